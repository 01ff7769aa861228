"""Key delivery by ETSI GS QKD 014 V1.1.1: the pools of this suite behind HTTPS, and a client.

`manager` is the standard's rules on plain dictionaries; `server` puts them behind HTTPS with
mutual TLS (starlette, uvicorn), `client` asks any vendor's service (httpx): the extra `kme`.
`certificates` makes the keys that both need.
"""

from qfl.security.kme.manager import KeyManager, KmeLimits, Refusal

__all__ = ["KeyManager", "KmeLimits", "Refusal"]
