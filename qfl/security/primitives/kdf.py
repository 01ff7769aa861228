"""Session keys derived from one or several secrets, safe as long as one of them is.

References: RFC 5869 (HKDF); NIST SP 800-56C; RFC 9954 (hybrid key exchange in TLS 1.3). That one
secret input suffices rests on HKDF being a dual pseudo-random function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qfl.core.errors import UnknownNameError
from qfl.security.keys.secret import Secret

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,  # sound inside HMAC; half of RFC 5869's vectors need it, no key here does
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def hkdf(
    material: bytes, *, salt: bytes, info: bytes, length: int, digest: str = "sha384"
) -> bytes:
    """Return `length` bytes derived from key material.

    >>> hkdf(b"\\x0b" * 22, salt=b"", info=b"", length=4, digest="sha256").hex()
    '8da4e775'
    """
    return _derivation(salt, info, length, digest).derive(material)


def hybrid_key(parts: Sequence[Secret], *, salt: bytes, info: str, length: int = 32) -> Secret:
    """Return a key from several secrets by HKDF-SHA-384.

    Args:
        parts: in the fixed order QKD, ML-KEM, X25519; each enters with its length before it.
        salt: hash of the transcript.
        info: what the key is for; its fields are joined by "|".
        length: of the key in bytes.
    """
    # What can be wrong about the arguments goes wrong here, before keys lie in a variable.
    derivation = _derivation(salt, info.encode(), length, "sha384")
    material = b"".join((part.bits // 8).to_bytes(4, "big") + part.reveal() for part in parts)
    return Secret(derivation.derive(material))


def _derivation(salt: bytes, info: bytes, length: int, digest: str) -> HKDF:
    if digest not in _HASHES:
        raise UnknownNameError("hash", digest, _HASHES)
    return HKDF(_HASHES[digest](), length, salt, info)
