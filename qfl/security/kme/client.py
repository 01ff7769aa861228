"""A client of any ETSI GS QKD 014 service: an SAE that asks its own KME for keys."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qfl.core.errors import (
    KeyExhaustedError,
    MissingExtraError,
    SecurityError,
    UnknownKeyError,
)
from qfl.security.keys.pool import Key
from qfl.security.keys.secret import Secret

if TYPE_CHECKING:
    import httpx


_MESSAGES = ("message", "detail", "error", "title")
"""Where an answer says what is wrong: the standard's field, and what frameworks use instead."""


class KmeClient:
    """One SAE at its KME.

    Args:
        url: of the KME, such as "https://localhost:8443".
        certificate, key: the SAE's, PEM files.
        authority: who signed the KME's certificate, a PEM file.
        timeout_seconds: per request.
        transport: replaces the network in tests.

    Raises:
        MissingExtraError: httpx is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        certificate: Path,
        key: Path,
        authority: Path,
        timeout_seconds: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("the key delivery client", "kme") from None
        context: ssl.SSLContext | bool = False
        if transport is None:
            context = ssl.create_default_context(cafile=str(authority))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(certificate, key)
        self._http = httpx.Client(
            base_url=url.rstrip("/"), verify=context, timeout=timeout_seconds, transport=transport
        )

    def status(self, slave: str) -> dict[str, Any]:
        """Return the KME's state towards the SAE `slave`."""
        return self._ask("GET", slave, "status", None)

    def enc_keys(self, slave: str, *, number: int = 1, size: int | None = None) -> list[Key]:
        """Return fresh keys; `slave` can ask its own KME for the same by id.

        Args:
            slave: SAE id of the peer.
            number: of keys.
            size: bits per key; None takes the KME's default.

        Raises:
            KeyExhaustedError: the KME has too few (503).
            SecurityError: it refuses, or answers other than the standard says.
        """
        request = {"number": number} | ({} if size is None else {"size": size})
        keys = _keys(self._ask("POST", slave, "enc_keys", request))
        if len(keys) != number or (size is not None and any(k.secret.bits != size for k in keys)):
            raise SecurityError(
                f"the KME sent {len(keys)} keys, not the {number} asked for or of another size; "
                "none is used"
            )
        if len({key.key_id.casefold() for key in keys}) != number:
            raise SecurityError("the KME sent a key twice; none is used")
        return keys

    def dec_keys(self, master: str, key_ids: Iterable[str]) -> list[Key]:
        """Return this SAE's copies of keys that `master` fetched, in the order asked; once.

        Raises:
            UnknownKeyError: a key is not there or has been fetched (400).
        """
        wanted = list(key_ids)
        request = {"key_IDs": [{"key_ID": key_id} for key_id in wanted]}
        answer = _keys(self._ask("POST", master, "dec_keys", request))
        found = {key.key_id.casefold(): key.secret for key in answer}
        missing = [key_id for key_id in wanted if key_id.casefold() not in found]
        if missing:
            raise SecurityError(
                f"the KME did not send the key {missing[0]!r} that it was asked for"
            )
        return [Key(key_id, found[key_id.casefold()]) for key_id in wanted]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> KmeClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self, verb: str, peer: str, method: str, request: Mapping[str, object] | None
    ) -> dict[str, Any]:
        import httpx

        path = f"/api/v1/keys/{quote(peer, safe='')}/{method}"
        try:
            answer = self._http.request(verb, path, json=request)
        except httpx.HTTPError as error:
            raise SecurityError(
                f"no answer from the KME at {self._http.base_url}: {type(error).__name__}; is it "
                "running, and do the certificates belong together?"
            ) from None
        if answer.status_code == 200:
            return _json_object(answer)
        raise _refused(answer, method)


def _refused(answer: httpx.Response, method: str) -> SecurityError:
    """Return the error that an answer other than 200 means."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    said = next(filter(None, (_field(body, name) for name in _MESSAGES)), "no message")
    text = f"the KME answers {answer.status_code} to {method}: {str(said)[:200]}"
    if answer.status_code == 503:
        return KeyExhaustedError(f"{text}; try later")
    if answer.status_code in (400, 404) and method == "dec_keys":
        return UnknownKeyError(text)
    return SecurityError(text)


def _field(body: object, name: str) -> Any:
    """Return a field of a JSON object, None if it is not there; vendors differ in its case."""
    if not isinstance(body, dict):
        return None
    spelled = {str(key).casefold(): value for key, value in body.items()}
    return body.get(name, spelled.get(name.casefold()))


def _json_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise SecurityError("the KME's answer is not a JSON object; nothing of it is used")
    return body


def _keys(body: Mapping[str, Any]) -> list[Key]:
    try:
        listed = [(_field(item, "key_ID"), _field(item, "key")) for item in _field(body, "keys")]
        if not all(isinstance(key_id, str) and key_id and material for key_id, material in listed):
            raise TypeError
        return [
            Key(key_id, Secret(base64.b64decode(material, validate=True)))
            for key_id, material in listed
        ]
    except (TypeError, ValueError):
        raise SecurityError("the KME's answer holds no readable keys; none is used") from None
