"""Small finite fields: primes, ranks, and uniform residues from key bits."""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError


def largest_prime_below(limit: int) -> int:
    """Return the largest prime below `limit`, which is at most 2^32.

    >>> largest_prime_below(1 << 31)
    2147483647
    """
    if not 2 < limit <= 1 << 32:
        raise ConfigError(f"a prime below {limit!r}; allowed: 3 to 2^32")
    divisors = np.arange(2, isqrt(limit) + 1)
    candidate = limit - 1
    while not (candidate % divisors[divisors * divisors <= candidate]).all():
        candidate -= 1
    return candidate


def rank_modulo(matrix: NDArray[np.int64], prime: int) -> int:
    """Return the rank of an integer matrix modulo a prime below 2^31.

    >>> rank_modulo(np.array([[1, 1], [1, -1]]), 2), rank_modulo(np.array([[1, 1], [1, -1]]), 3)
    (1, 2)
    """
    rows = np.array(matrix, dtype=np.int64) % prime
    rank = 0
    for column in range(rows.shape[1]):
        candidates = np.flatnonzero(rows[rank:, column])
        if not len(candidates):
            continue
        pivot = rank + int(candidates[0])
        rows[[rank, pivot]] = rows[[pivot, rank]]
        rows[rank] = rows[rank] * pow(int(rows[rank, column]), -1, prime) % prime
        below = rows[rank + 1 :]
        below -= np.outer(below[:, column], rows[rank]) % prime
        below %= prime
        rank += 1
        if rank == len(rows):
            break
    return rank


def residues_from_bits(material: bytes, modulus: int) -> NDArray[np.int64]:
    """Return uniform residues modulo `modulus` from uniform key material.

    Consecutive groups of ceil(log2 modulus) bits; a group that is not below the modulus is
    dropped, and so are the bits that fill no group.

    >>> residues_from_bits(bytes([0b1110_0111]), 7)
    array([1])
    """
    width = (modulus - 1).bit_length()
    bits = np.unpackbits(np.frombuffer(material, np.uint8))
    groups = bits[: len(bits) // width * width].reshape(-1, width)
    values = groups @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    return values[values < modulus]
