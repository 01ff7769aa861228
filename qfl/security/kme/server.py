"""The key manager behind HTTPS: starlette and uvicorn are imported here, when called, only.

The SAE id is the common name of the client certificate. A connection without a certificate is
let in as far as the answer 401, which the standard asks for. Whatever else cannot be answered is
a 400 or, if the service itself is at fault, a 503: there are no other codes in the standard.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qfl.core.errors import MissingExtraError, QflError
from qfl.security.kme.certificates import AUTHORITY, SERVER
from qfl.security.kme.manager import KeyManager, Refusal

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_PREFIX = "/api/v1/keys"
_MOST_BYTES = 65_536
_PEER = "sae_id"


def application(manager: KeyManager) -> Starlette:
    """Return the ASGI application; the server states each caller's SAE id in its scope.

    Raises:
        MissingExtraError: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError:
        raise MissingExtraError("the key delivery service", "kme") from None

    async def status(request: Request) -> Response:
        return _answer(lambda: manager.status(_caller(request), request.path_params["peer"]))

    async def enc_keys(request: Request) -> Response:
        fields = await _fields(request)
        peer = request.path_params["peer"]
        return _answer(lambda: manager.enc_keys(_caller(request), peer, _parsed(fields)))

    async def dec_keys(request: Request) -> Response:
        fields = await _fields(request)
        peer = request.path_params["peer"]
        return _answer(lambda: manager.dec_keys(_caller(request), peer, _parsed_ids(fields)))

    async def nothing(request: Request, error: Exception | None = None) -> Response:
        return _answer(lambda: _no_method(manager, _caller(request)))

    routes = []
    for name, method, verbs in (
        ("status", status, ["GET"]),
        ("enc_keys", enc_keys, ["GET", "POST"]),
        ("dec_keys", dec_keys, ["GET", "POST"]),
    ):
        path = f"{_PREFIX}/{{peer}}/{name}"
        # A route for GET also takes HEAD, which would spend a key and send it to nobody.
        routes += [Route(path, nothing, methods=["HEAD"]), Route(path, method, methods=verbs)]
    service = Starlette(routes=routes, exception_handlers={404: nothing, 405: nothing})
    service.router.redirect_slashes = False
    return service


def server(
    manager: KeyManager, *, folder: Path, host: str = "127.0.0.1", port: int = 8443
) -> uvicorn.Server:
    """Return the service, ready to `run()`; TLS 1.2 or newer, certificates from `folder`.

    Raises:
        MissingExtraError: uvicorn is not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise MissingExtraError("the key delivery service", "kme") from None

    def tls(config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        context = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cafile=str(folder / f"{AUTHORITY}.pem")
        )
        context.load_cert_chain(folder / f"{SERVER}.pem", folder / f"{SERVER}.key")
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    return uvicorn.Server(
        uvicorn.Config(
            application(manager),
            host=host,
            port=port,
            http=_peer_protocol(),
            ssl_context_factory=tls,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
        )
    )


def listen(service: uvicorn.Server) -> socket.socket:
    """Return the service's socket, which takes connections from now on; give it to `run`."""
    listening = service.config.bind_socket()
    listening.listen()
    return listening


def _peer_protocol() -> type[asyncio.Protocol]:
    """Return HTTP that tells the application whose certificate the connection showed."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class PeerProtocol(H11Protocol):  # type: ignore[misc]
        app_state: dict[str, Any]

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            # asyncio forgets this on sockets that were bound before; every answer then waits 40 ms.
            peer = transport.get_extra_info("socket")
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = transport.get_extra_info("ssl_object")
            certificate = connection.getpeercert() if connection is not None else None
            self.app_state = {**self.app_state, _PEER: _common_name(certificate or {})}

        def shutdown(self) -> None:
            super().shutdown()
            # An idle peer does not answer the goodbye of TLS; asyncio would wait half a minute.
            if self.transport.is_closing() and not self.transport.get_write_buffer_size():
                self.transport.abort()

    return PeerProtocol


def _common_name(certificate: Mapping[str, Any]) -> str | None:
    for attributes in certificate.get("subject", ()):
        for name, value in attributes:
            if name == "commonName":
                return str(value)
    return None


def _caller(request: Request) -> str | None:
    caller = request.scope.get("state", {}).get(_PEER)
    return caller if isinstance(caller, str) else None


async def _fields(request: Request) -> bytes | dict[str, str]:
    """Return the query of a GET, the body of a POST."""
    if request.method != "POST":
        return dict(request.query_params)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)


def _parsed(fields: object) -> object:
    """Return what a body says; parsing comes after the caller is known.

    Raises:
        Refusal: too long, or not JSON.
    """
    if not isinstance(fields, bytes):
        return fields
    if len(fields) > _MOST_BYTES:
        raise Refusal(400, f"the request is longer than {_MOST_BYTES} bytes")
    try:
        return json.loads(fields or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "the request is not JSON") from None


def _parsed_ids(fields: object) -> object:
    """Return key ids as a body lists them; a query holds one."""
    return _parsed(fields) if isinstance(fields, bytes) else {"key_IDs": [fields]}


def _no_method(manager: KeyManager, caller: str | None) -> dict[str, Any]:
    manager.admit(caller)
    raise Refusal(400, "no such method; the standard has status, enc_keys and dec_keys")


def _answer(action: Callable[[], dict[str, Any]]) -> Response:
    from starlette.responses import JSONResponse, Response

    try:
        return JSONResponse(action())
    except Refusal as refusal:
        if refusal.body is None:
            return Response(status_code=refusal.status)
        return JSONResponse(refusal.body, status_code=refusal.status)
    except QflError:
        return JSONResponse({"message": "the KME cannot serve keys now"}, status_code=503)
