"""Masks: the keystream of a real stream cipher under a 256-bit seed, added word by word."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import (
    Cipher,
    CipherContext,
    algorithms,
    modes,
)
from numpy.typing import NDArray

from qfl.core.cores import available_cores
from qfl.core.errors import SecurityError, UnknownNameError
from qfl.security.keys.secret import Secret

STREAMS: Final = ("aes-256-ctr", "chacha20")
SEED_BITS = 256
_CHUNK_BYTES = 1 << 18
_ZEROS: Final = bytes(_CHUNK_BYTES)
_WORTHWHILE = 1 << 17  # words from which threads gain more than they cost

_Signed = tuple[np.ufunc, CipherContext]


def add_masks(
    vector: NDArray[Any],
    *,
    plus: Sequence[Secret] = (),
    minus: Sequence[Secret] = (),
    stream: str = "aes-256-ctr",
) -> None:
    """Add the masks of some seeds to a vector of unsigned words and subtract those of others.

    Works in place and piece by piece, so that keystream and sum stay in the processor's cache;
    threads share the seeds of a long vector.
    The nonce is zero: a seed must never serve a second vector.

    Args:
        vector: contiguous, changed in place, modulo the word.
        plus, minus: 256-bit seeds.
        stream: a name in STREAMS.

    References: AES-CTR, NIST SP 800-38A; ChaCha20, RFC 8439.

    >>> vector = np.zeros(3, np.uint32)
    >>> add_masks(vector, plus=[Secret(bytes(32))])
    >>> add_masks(vector, minus=[Secret(bytes(32))])
    >>> vector.tolist()
    [0, 0, 0]
    """
    ciphers: list[_Signed] = []
    ciphers += [(np.add, _keystream(seed, stream)) for seed in plus]
    ciphers += [(np.subtract, _keystream(seed, stream)) for seed in minus]
    shares = min(threads(), len(ciphers) // 2) if len(vector) >= _WORTHWHILE else 1
    if shares < 2:
        _add(vector, ciphers)
        return
    others = [np.zeros_like(vector) for _ in range(shares - 1)]
    with ThreadPoolExecutor(shares - 1) as pool:
        done = pool.map(_add, others, [ciphers[first::shares] for first in range(1, shares)])
        _add(vector, ciphers[::shares])
        list(done)
    for other in others:  # words wrap around, so that the order of sums does not matter
        vector += other


def _add(vector: NDArray[Any], ciphers: Sequence[_Signed]) -> None:
    """Combine keystreams with a vector; OpenSSL and numpy leave the interpreter lock free."""
    width = vector.dtype.itemsize
    buffer = np.empty(_CHUNK_BYTES, np.uint8)
    for start in range(0, len(vector), _CHUNK_BYTES // width):
        piece = vector[start : start + _CHUNK_BYTES // width]
        size = width * len(piece)
        words = buffer[:size].view(vector.dtype)
        for combine, cipher in ciphers:
            cipher.update_into(_ZEROS[:size], buffer[:size].data)
            combine(piece, words, out=piece)


def threads() -> int:
    """Return how many threads may share the masks of a vector: as many as kernels may use.

    A worker process of a study has NUMBA_NUM_THREADS=1, because others keep every core busy.
    """
    return int(os.environ.get("NUMBA_NUM_THREADS") or available_cores())


def _keystream(seed: Secret, stream: str) -> CipherContext:
    if seed.bits != SEED_BITS:
        raise SecurityError(f"a mask seed of {seed.bits} bits; allowed: {SEED_BITS}")
    if stream == "aes-256-ctr":
        return Cipher(algorithms.AES(seed.reveal()), modes.CTR(bytes(16))).encryptor()
    if stream == "chacha20":
        return Cipher(algorithms.ChaCha20(seed.reveal(), bytes(16)), None).encryptor()
    raise UnknownNameError("mask stream", stream, STREAMS)
