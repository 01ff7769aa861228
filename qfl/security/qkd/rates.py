"""Secret bits per sifted bit as functions of the quantum bit error rate (QBER).

The asymptotic thresholds of single-photon protocols; a weak-coherent source is in `decoy.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2, sqrt

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


def six_state_rate(qber: float, *, error_correction_efficiency: float = 1.0) -> float:
    """Return 1 + (1 - 3Q/2) log2(1 - 3Q/2) + (3Q/2) log2(Q/2), less (f-1) h(Q).

    Args:
        qber: Q, from 0 to 2/3.
        error_correction_efficiency: f, 1 at the Shannon limit.

    Reference: Lo, Quantum Inf. Comput. 1, 81 (2001).

    >>> round(six_state_rate(0.03), 6)
    0.663912
    """
    disturbed = 1.5 * qber
    if not 0 <= disturbed <= 1:
        raise ConfigError(f"a six-state QBER of {qber!r}; allowed: from 0 to 2/3")
    rate = 1.0 - (error_correction_efficiency - 1) * binary_entropy(qber)
    if disturbed < 1:
        rate += (1 - disturbed) * log2(1 - disturbed)
    if qber > 0:
        rate += disturbed * log2(qber / 2)
    return rate


def six_state_threshold(*, error_correction_efficiency: float = 1.0) -> float:
    """Return the QBER at which the six-state rate vanishes.

    >>> round(six_state_threshold(), 4)
    0.1262
    """
    return falling_root(
        lambda q: six_state_rate(q, error_correction_efficiency=error_correction_efficiency),
        0.0,
        0.5,
    )


def amplification_cost(error: float, *, bases: int) -> float:
    """Return how much of a single-photon bit the eavesdropper may know, for its error rate.

    h(e) for BB84; for six-state, where the third basis ties her down,
    1 - h(e) less the six-state rate.

    Args:
        error: of the single photons, from 0 to 1/2.
        bases: 2 for BB84, 3 for six-state.

    >>> amplification_cost(0.05, bases=3) < amplification_cost(0.05, bases=2)
    True
    """
    if bases == 2:
        return binary_entropy(error)
    return 1 - binary_entropy(error) - six_state_rate(error)


def chsh_value(qber: float) -> float:
    """Return the CHSH value S = 2 sqrt2 (1 - 2Q) of a depolarised singlet.

    >>> round(chsh_value(0.0), 6)
    2.828427
    """
    return 2 * sqrt(2) * (1 - 2 * qber)


def chsh_price(value: float) -> float:
    """Return how much of a sifted bit the eavesdropper may know at a CHSH value, from 0 to 1.

    h((1 + sqrt((S/2)^2 - 1)) / 2). Without a violation (S <= 2) she may know everything.

    Reference: Acin et al., Phys. Rev. Lett. 98, 230501 (2007).

    >>> chsh_price(2.0), round(chsh_price(2.6), 6)
    (1.0, 0.41842)
    """
    violation = max(0.0, (value / 2) ** 2 - 1) if value > 0 else 0.0
    return binary_entropy(min(1.0, (1 + sqrt(violation)) / 2))


def e91_rate(qber: float, *, error_correction_efficiency: float = 1.0) -> float:
    """Return 1 - f h(Q) - the price of the CHSH value that a depolarised singlet has at Q.

    No trust in the devices is needed.

    Reference: Acin et al., Phys. Rev. Lett. 98, 230501 (2007), eqs. 3 and 4.

    >>> round(e91_rate(0.03), 6)
    0.470078
    """
    known = chsh_price(chsh_value(qber))
    return 1 - error_correction_efficiency * binary_entropy(qber) - known


def e91_threshold(*, error_correction_efficiency: float = 1.0) -> float:
    """Return the QBER at which the CHSH-priced rate vanishes.

    >>> round(e91_threshold(), 4)
    0.0715
    """
    return falling_root(
        lambda q: e91_rate(q, error_correction_efficiency=error_correction_efficiency), 0.0, 0.5
    )


def intercepted_fraction(qber: float, *, bases: int = 2) -> float:
    """Return the fraction of pulses whose interception alone explains a QBER, at most 1.

    Args:
        qber: Q, from 0 to 1/2.
        bases: 2 for BB84 (Q = p/4), 3 for six-state (Q = p/3).

    >>> intercepted_fraction(0.05)
    0.2
    """
    if bases not in (2, 3):
        raise ConfigError(f"{bases!r} bases; allowed: 2 (BB84) or 3 (six-state)")
    return min(1.0, 2 * bases / (bases - 1) * qber)


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
