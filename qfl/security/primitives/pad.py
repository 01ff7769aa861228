"""One-time pad with a one-time Poly1305 tag: secrecy and integrity without assumptions.

The key is as long as the payload plus 256 bits, and is used once; no computer, quantum or not,
learns anything from the ciphertext but its length.
"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.poly1305 import Poly1305
from numpy.typing import NDArray

from qfl.core.errors import SecurityError, TamperedError
from qfl.security.keys.secret import Secret

TAG_KEY_BITS = 256
_TAG_BYTES = 16


def pad_key_bits(payload_bits: int) -> int:
    """Return the key bits that one message costs: its length and a 256-bit tag key.

    >>> pad_key_bits(64 * 16)
    1280
    """
    return payload_bits + TAG_KEY_BITS


def seal_pad(secret: Secret, payload: bytes | memoryview, *, associated_data: bytes) -> memoryview:
    """Return payload XOR pad, and the tag over it and the associated data.

    Args:
        secret: `pad_key_bits(8 * len(payload))` bits, fresh: pad first, tag key last.
        payload: what to hide.
        associated_data: what to authenticate beside it.

    >>> key = Secret(bytes(range(39)))
    >>> sealed = seal_pad(key, b"weights", associated_data=b"round 3")
    >>> bytes(open_pad(key, sealed, associated_data=b"round 3"))
    b'weights'
    """
    length = len(payload)
    _check_length(secret, length)
    buffer = np.empty(length + _TAG_BYTES, np.uint8)
    _xor_pad(secret, payload, buffer[:length])
    tag = _authenticator(secret, buffer[:length].data, associated_data).finalize()
    buffer[length:] = np.frombuffer(tag, np.uint8)
    return buffer.data.toreadonly()


def open_pad(
    secret: Secret, ciphertext: bytes | memoryview, *, associated_data: bytes
) -> memoryview:
    """Return the payload that `seal_pad` hid.

    Raises:
        TamperedError: any bit of the ciphertext, the associated data or the key differs.
    """
    length = len(ciphertext) - _TAG_BYTES
    if length < 0 or pad_key_bits(8 * length) != secret.bits:
        raise TamperedError("a padded envelope has another length than its key; not opened")
    hidden, tag = memoryview(ciphertext)[:length], bytes(ciphertext[length:])
    try:
        _authenticator(secret, hidden, associated_data).verify(tag)
    except InvalidSignature:
        raise TamperedError(
            "a padded envelope does not authenticate: content, header or key differ from what "
            "was sealed; nothing was decrypted"
        ) from None
    buffer = np.empty(length, np.uint8)
    _xor_pad(secret, hidden, buffer)
    return buffer.data.toreadonly()


def one_time_tag(key: bytes, message: bytes) -> bytes:
    """Return the 16-byte Poly1305 tag of a message under a 32-byte key that is used once.

    Reference: RFC 8439, section 2.5.
    """
    return Poly1305.generate_tag(key, message)


def forgery_bound_log2(length_bytes: int) -> float:
    """Return log2 of the probability that a forged message passes, 8 ceil(L/16) 2^-106.

    Reference: Bernstein, FSE 2005, theorem 3.3.

    >>> round(forgery_bound_log2(1000), 3)
    -97.023
    """
    return log2(8 * ceil(length_bytes / 16)) - 106


def _check_length(secret: Secret, length: int) -> None:
    if secret.bits != pad_key_bits(8 * length):
        raise SecurityError(
            f"a one-time pad of {length} bytes needs {pad_key_bits(8 * length)} key bits, "
            f"not {secret.bits}"
        )


def _xor_pad(secret: Secret, data: bytes | memoryview, out: NDArray[np.uint8]) -> None:
    """Write data XOR pad; the pad is the first part of the key."""
    pad = np.frombuffer(secret.reveal(), np.uint8, len(data))
    np.bitwise_xor(np.frombuffer(data, np.uint8), pad, out=out)


def _authenticator(secret: Secret, hidden: memoryview, associated_data: bytes) -> Poly1305:
    """Return the one-time MAC, keyed by the last part of the key, over both parts; the length of
    the first goes before it so that no bit can change sides."""
    mac = Poly1305(secret.reveal()[-TAG_KEY_BITS // 8 :])
    mac.update(len(associated_data).to_bytes(8, "big") + associated_data)
    mac.update(hidden)
    return mac
