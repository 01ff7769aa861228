"""Secret bits per sifted bit as functions of the quantum bit error rate (QBER).

The asymptotic thresholds of single-photon protocols; a weak-coherent source is in `decoy.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2

from qfl.core.errors import ConfigError


def binary_entropy(x: float) -> float:
    """Return h(x) = -x log2 x - (1-x) log2(1-x) in bits.

    >>> round(binary_entropy(0.11), 6)
    0.499916
    """
    if not 0 <= x <= 1:
        raise ConfigError(f"binary entropy of {x!r}; allowed: a probability from 0 to 1")
    if x in (0, 1):
        return 0.0
    return -x * log2(x) - (1 - x) * log2(1 - x)


def bb84_rate(qber: float, *, error_correction_efficiency: float = 1.0) -> float:
    """Return 1 - (1+f) h(Q), which is negative above the threshold.

    Args:
        qber: Q, from 0 to 1/2.
        error_correction_efficiency: f, 1 at the Shannon limit.

    Reference: Shor and Preskill, Phys. Rev. Lett. 85, 441 (2000).

    >>> round(bb84_rate(0.03), 6)
    0.611216
    """
    return 1 - (1 + error_correction_efficiency) * binary_entropy(qber)


def bb84_threshold(*, error_correction_efficiency: float = 1.0) -> float:
    """Return the QBER at which the BB84 rate vanishes.

    >>> round(bb84_threshold(), 4)
    0.11
    """
    return falling_root(
        lambda q: bb84_rate(q, error_correction_efficiency=error_correction_efficiency), 0.0, 0.5
    )


def falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function`, not negative at `low`, last is so before `high` (bisection).

    The result is exact to the last float; `low` if the function is negative there already.
    """
    if function(low) < 0:
        return low
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return low
        if function(middle) >= 0:
            low = middle
        else:
            high = middle
