"""Starving a link and reusing its key: what a pool must survive and what it must never allow."""

from __future__ import annotations

import numpy as np

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.keys.pool import KEY_BITS, KeyPool


def drain(pool: KeyPool, *, end: str, size: int = KEY_BITS) -> int:
    """Ask for keys until none is left and return the bits taken.

    An end that does this stops its link, never its secrecy: channels above refuse or, where the
    study allows it, step down and say so.
    """
    taken = 0
    while True:
        try:
            pool.enc_keys(end, size=size)
        except KeyExhaustedError:
            return taken
        taken += size


def read_reused_pad(
    first: bytes | memoryview, second: bytes | memoryview, *, known: bytes
) -> bytes:
    """Return what the second message says, given two messages under one pad and the first's text.

    The pad drops out of the XOR of the two ciphertexts: a pad used twice hides nothing from who
    can guess one of the messages. Pools hand out no key twice, so this never meets a real pair.

    Args:
        first, second: ciphertexts without their tags.
        known: plaintext of the first.

    >>> pad = bytes(range(7))
    >>> one, two = (bytes(a ^ b for a, b in zip(text, pad)) for text in (b"weights", b"secrets"))
    >>> read_reused_pad(one, two, known=b"weights")
    b'secrets'
    """
    length = min(len(first), len(second))
    if len(known) < length:
        raise ConfigError(f"{len(known)} known bytes for {length}; guess the whole message")
    rows = [np.frombuffer(text[:length], np.uint8) for text in (first, second, known)]
    return (rows[0] ^ rows[1] ^ rows[2]).tobytes()
