"""Polar codes: one end tells a block of bits to another that can guess it, in one message.

A block of N = 2^m bits is b = u G with G = [[1, 0], [1, 1]]^(x m) over GF(2), which is its own
inverse. Whoever knows b publishes u where it is hard to guess (frozen). Whoever has log-likelihood
ratios of b guesses the rest, one index after the other: each ratio is that of a bit given all bits
before it. Nothing is said in the other direction.

Arrays hold frames side by side: (N, frames). Ratios are log P(0)/P(1).

References: Arikan, IEEE Trans. Inf. Theory 55, 3051 (2009); He et al., arXiv:1704.05709 (the order
of indices by polarisation weights, for every channel the same).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Bits = NDArray[np.uint8]
Ratios = NDArray[np.floating]
Mask = NDArray[np.bool_]


def polar_transform(bits: Bits) -> Bits:
    """Return u of b, or b of u.

    Args:
        bits: (N, ...) with N a power of two.

    >>> polar_transform(np.array([1, 0, 0, 1], np.uint8)).tolist()
    [0, 1, 1, 1]
    """
    n = len(bits)
    if n & (n - 1) or not n:
        raise ConfigError(f"a block of {n} bits; allowed: powers of two")
    found, half = bits.copy(), 1
    while half < n:
        pairs = found.reshape(n // (2 * half), 2, half, *bits.shape[1:])
        pairs[:, 0] ^= pairs[:, 1]
        half *= 2
    return found


def reliability_order(size: int) -> NDArray[np.intp]:
    """Return the indices of a block, the easiest to guess first.

    >>> reliability_order(8).tolist()
    [7, 6, 5, 3, 4, 2, 1, 0]
    """
    index = np.arange(size)
    weight = np.zeros(size)
    for place in range(max(size - 1, 0).bit_length()):
        weight += (index >> place & 1) * 2 ** (place / 4)
    return np.argsort(-weight, kind="stable")


def guess_errors(ratios: Ratios, bits: Bits) -> Mask:
    """Return where a guess of u would be wrong although everything before it is known.

    Args:
        ratios: (N, frames), of the bits of b.
        bits: (N, frames), u itself.
    """
    wrong = np.empty(bits.shape, np.bool_)
    _follow(ratios, bits, wrong)
    return wrong


def decode(ratios: Ratios, published: Bits, frozen: Mask) -> Bits:
    """Return b, guessed by successive cancellation.

    Args:
        ratios: (N, frames), of the bits of b.
        published: (N, frames), u where it is frozen; the rest is not read.
        frozen: (N,).

    >>> block = np.array([[1], [0], [0], [1]], np.uint8)
    >>> seen = np.where(block, -3.0, 3.0) * [[1], [-0.1], [1], [1]]  # the second looks like a 1
    >>> frozen = np.array([True, False, False, False])
    >>> decode(seen, polar_transform(block), frozen)[:, 0].tolist()
    [1, 0, 0, 1]
    """
    if frozen.all():
        return polar_transform(published)
    if not frozen.any():
        return (ratios < 0).astype(np.uint8)
    half = len(ratios) // 2
    first, second = ratios[:half], ratios[half:]
    left = decode(_either(first, second), published[:half], frozen[:half])
    right = decode(_both(first, second, left), published[half:], frozen[half:])
    return np.concatenate([left ^ right, right])


def _follow(ratios: Ratios, bits: Bits, wrong: Mask) -> Bits:
    """Fill in where the guesses of u are wrong; return b."""
    if len(ratios) == 1:
        wrong[:] = (ratios < 0) != bits
        return bits
    half = len(ratios) // 2
    first, second = ratios[:half], ratios[half:]
    left = _follow(_either(first, second), bits[:half], wrong[:half])
    right = _follow(_both(first, second, left), bits[half:], wrong[half:])
    return np.concatenate([left ^ right, right])


def _either(first: Ratios, second: Ratios) -> Ratios:
    """Return the ratios of the XOR of two bits."""
    total, apart = np.abs(first + second), np.abs(first - second)
    return (total - apart) / 2 + np.log1p(np.exp(-total)) - np.log1p(np.exp(-apart))


def _both(first: Ratios, second: Ratios, xor: Bits) -> Ratios:
    """Return the ratios of the second of two bits whose XOR is known."""
    return second + np.where(xor, -first, first)
