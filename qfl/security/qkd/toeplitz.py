"""Universal hashing by a random Toeplitz matrix over GF(2), for verification and amplification.

y_i = XOR_j seed[n-1+i-j] x_j. As a convolution it costs one real FFT; float64 holds the exact
counts (at most n) for every key this suite makes, so rounding recovers the product bit for bit.

Reference: Krawczyk, CRYPTO '94 (LFSR-based Toeplitz hashing): collision probability 2^-m.
"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from qfl.core.errors import CapacityError, ConfigError

Bits = NDArray[np.uint8]
_LONGEST = 1 << 27


def toeplitz_hash(bits: Bits, seed: Bits, *, length: int) -> Bits:
    """Return the hash of every row of `bits`.

    Args:
        bits: (..., n) uint8, zeros and ones.
        seed: (n + length - 1,) uint8, public and uniformly random.
        length: m, bits of the hash.

    Returns:
        (..., m) uint8.

    Raises:
        ConfigError: the seed has another length.
        CapacityError: the key is too long for exact rounding.

    >>> x = np.array([1, 0, 1], np.uint8)
    >>> toeplitz_hash(x, np.array([1, 1, 0, 1], np.uint8), length=2).tolist()
    [1, 0]
    """
    n = bits.shape[-1]
    if len(seed) != n + length - 1:
        raise ConfigError(
            f"a Toeplitz seed of {len(seed)} bits; {n} bits to {length} need {n + length - 1}"
        )
    if n > _LONGEST:
        raise CapacityError(f"a key of {n} bits; hash at most {_LONGEST} at once, in blocks")
    size = scipy.fft.next_fast_len(len(seed), real=True)
    spectrum = scipy.fft.rfft(bits, size) * scipy.fft.rfft(seed, size)
    product = scipy.fft.irfft(spectrum, size)[..., n - 1 : n - 1 + length]
    return (np.rint(product).astype(np.int64) & 1).astype(np.uint8)


def verification_bits(correctness: float) -> int:
    """Return ceil(log2(1/epsilon)), the hash length at which unequal keys pass with epsilon.

    >>> verification_bits(1e-15)
    50
    """
    return ceil(log2(1 / correctness))


def amplification_distance_log2(length: int, min_entropy: float) -> float:
    """Return log2 of the final key's distance from a perfect one, 1/2 sqrt(2^(m - H_min)).

    Args:
        length: m, bits kept.
        min_entropy: H_min of the key before, given all that the eavesdropper has.

    Reference: the leftover hash lemma; Renner, PhD thesis, ETH Zurich (2005), corollary 5.6.1.

    >>> amplification_distance_log2(1000, 1100)
    -51.0
    """
    return -1 + (length - min_entropy) / 2
