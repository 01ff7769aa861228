"""Authenticated encryption of one payload under one fresh key.

Large payloads are cut into chunks with a counter in the nonce and a final flag in the associated
data: a chunk that is moved, dropped or repeated fails its tag. Nothing is returned before every
tag has been checked. The key must never be used for a second payload; the pool sees to that.
Results are read-only views of numpy buffers: for those the system hands out large pages, and
fresh small pages would cost more than the cipher.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from qfl.core.errors import TamperedError, UnknownNameError
from qfl.security.keys.secret import Secret

CHUNK_BYTES = 64 * 2**20
CIPHERS: dict[str, type[AESGCM] | type[ChaCha20Poly1305]] = {
    "aes-256-gcm": AESGCM,
    "chacha20-poly1305": ChaCha20Poly1305,
}
_TAG_BYTES = 16


def first_nonce(lane: int) -> bytes:
    """Return the nonce of the first chunk: a 32-bit lane and a 64-bit counter."""
    return _nonce(lane, 0)


def seal_bytes(
    secret: Secret,
    payload: bytes | memoryview,
    *,
    associated_data: bytes,
    lane: int,
    cipher: str = "aes-256-gcm",
    prefix: bytes = b"",
) -> memoryview:
    """Return the ciphertext, one tag per chunk.

    Args:
        secret: 256 bits, fresh.
        payload: what to hide.
        associated_data: what to authenticate beside it.
        lane: keeps the nonces of two directions apart.
        cipher: a name in CIPHERS.
        prefix: goes before the ciphertext as it is.

    Reference: AES-256-GCM, NIST SP 800-38D; ChaCha20-Poly1305, RFC 8439.

    >>> key = Secret(bytes(32))
    >>> sealed = seal_bytes(key, b"weights", associated_data=b"round 3", lane=1)
    >>> bytes(open_bytes(key, sealed, associated_data=b"round 3", lane=1))
    b'weights'
    """
    aead = _cipher(cipher, secret)
    size = len(prefix) + len(payload) + _TAG_BYTES * _count(len(payload), CHUNK_BYTES)
    buffer = np.empty(size, np.uint8).data
    buffer[: len(prefix)] = prefix
    start = len(prefix)
    for nonce, chunk, context in _chunks(payload, CHUNK_BYTES, associated_data, lane):
        stop = start + len(chunk) + _TAG_BYTES
        aead.encrypt_into(nonce, chunk, context, buffer[start:stop])
        start = stop
    return buffer.toreadonly()


def open_bytes(
    secret: Secret,
    ciphertext: bytes | memoryview,
    *,
    associated_data: bytes,
    lane: int,
    cipher: str = "aes-256-gcm",
) -> memoryview:
    """Return the payload that `seal_bytes` hid.

    Raises:
        TamperedError: any bit of the ciphertext, the associated data or the key differs.
    """
    aead = _cipher(cipher, secret)
    sealed_size = CHUNK_BYTES + _TAG_BYTES
    count = _count(len(ciphertext), sealed_size)
    if len(ciphertext) - (count - 1) * sealed_size < _TAG_BYTES:
        raise TamperedError("an envelope is cut off; nothing was decrypted")
    buffer = np.empty(len(ciphertext) - count * _TAG_BYTES, np.uint8).data
    start = 0
    try:
        for nonce, chunk, context in _chunks(ciphertext, sealed_size, associated_data, lane):
            stop = start + len(chunk) - _TAG_BYTES
            aead.decrypt_into(nonce, chunk, context, buffer[start:stop])
            start = stop
    except InvalidTag:
        raise TamperedError(
            "an envelope does not authenticate: content, header or key differ from what was "
            "sealed; nothing was decrypted"
        ) from None
    return buffer.toreadonly()


def _cipher(name: str, secret: Secret) -> AESGCM | ChaCha20Poly1305:
    if name not in CIPHERS:
        raise UnknownNameError("cipher", name, CIPHERS)
    return CIPHERS[name](secret.reveal())


def _chunks(
    data: bytes | memoryview, size: int, associated_data: bytes, lane: int
) -> Iterator[tuple[bytes, memoryview, bytes]]:
    view = memoryview(data)
    count = _count(len(view), size)
    for index in range(count):
        final = b"\x01" if index == count - 1 else b"\x00"
        yield (
            _nonce(lane, index),
            view[index * size : (index + 1) * size],
            associated_data + final,
        )


def _count(length: int, size: int) -> int:
    return max(1, -(-length // size))


def _nonce(lane: int, counter: int) -> bytes:
    return lane.to_bytes(4, "big") + counter.to_bytes(8, "big")
