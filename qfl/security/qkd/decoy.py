"""BB84 with weak coherent pulses: what decoy intensities say about the single photons.

One set of printed approximate forms throughout (Y_n = Y0 + eta_n, no factor 1 - Y0): mixing
them with the exact forms would break "bound <= truth" by parts in 1e5.

Reference: Ma, Qi, Zhao, Lo, Phys. Rev. A 72, 012326 (2005); equation numbers below are theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, expm1, factorial, log, sqrt

from qfl.core.errors import ConfigError
from qfl.security.qkd.link import FibreLink, Link
from qfl.security.qkd.rates import amplification_cost, binary_entropy, falling_root

SIFTING = 0.5
_FARTHEST_KM = 10_000.0
_SEARCHED, _TRIED, _SECTIONS = 10.0, 60, 40
_WEAK_PULSE, _TERMS = 0.1, 10


@dataclass(frozen=True, slots=True)
class Intensities:
    """Mean photon numbers of the signal and the weak decoy; the third intensity is vacuum."""

    signal: float = 0.48
    weak: float = 0.15

    def __post_init__(self) -> None:
        if not 0 < self.weak < self.signal < float("inf"):
            raise ConfigError(
                f"weak intensity {self.weak!r} and signal intensity {self.signal!r}; "
                "allowed: 0 < weak < signal"
            )


@dataclass(frozen=True, slots=True)
class Gains:
    """Detections per pulse for each intensity, and how many of them are wrong.

    Attributes:
        signal, weak, vacuum: gains; the vacuum gain is the background Y0.
        signal_errors, weak_errors: gain times QBER.
    """

    signal: float
    weak: float
    vacuum: float
    signal_errors: float
    weak_errors: float

    @property
    def qber(self) -> float:
        """Error rate of the signal."""
        return self.signal_errors / self.signal if self.signal else 0.5


@dataclass(frozen=True, slots=True)
class SinglePhotons:
    """Yield (detections per single-photon pulse) and error rate of the single photons."""

    detection_yield: float
    error: float

    def gain(self, signal: float) -> float:
        """Return Q1, the detections per signal pulse that a single photon caused."""
        return self.detection_yield * signal * exp(-signal)


def gain(link: Link, intensity: float) -> float:
    """Return Q = Y0 + 1 - exp(-eta intensity), detections per pulse (eq. 8)."""
    return link.dark_count_probability - expm1(-link.transmittance * intensity)


def error_gain(link: Link, intensity: float) -> float:
    """Return E Q = Y0/2 + e_d (1 - exp(-eta intensity)), wrong detections per pulse (eq. 9)."""
    wrong = -link.misalignment * expm1(-link.transmittance * intensity)
    return link.dark_count_probability / 2 + wrong


def expected_gains(link: Link, intensities: Intensities) -> Gains:
    """Return the gains that an undisturbed link shows.

    >>> gys = FibreLink(length_km=50, loss_db_per_km=0.21, detector_efficiency=0.045,
    ...                 dark_count_probability=1.7e-6, misalignment=0.033)
    >>> round(expected_gains(gys, Intensities(0.48, 0.05)).qber, 6)
    0.033412
    """
    return Gains(
        signal=gain(link, intensities.signal),
        weak=gain(link, intensities.weak),
        vacuum=link.dark_count_probability,
        signal_errors=error_gain(link, intensities.signal),
        weak_errors=error_gain(link, intensities.weak),
    )


def single_photons(link: Link) -> SinglePhotons:
    """Return the true yield and error rate, which infinitely many decoys reveal (eqs. 6, 7)."""
    detected = link.dark_count_probability + link.transmittance
    wrong = link.dark_count_probability / 2 + link.misalignment * link.transmittance
    return SinglePhotons(detected, wrong / detected if detected else 0.5)


def single_photon_bounds(gains: Gains, intensities: Intensities) -> SinglePhotons:
    """Return a lower bound on the yield and an upper bound on the error from vacuum + weak decoy.

    Whatever the gains, the yield is not negative and the error is at most 1/2; an error that the
    gains cannot bound counts as 1/2, never as 0.

    Reference: eqs. 34 and 37.
    """
    mu, nu, background = intensities.signal, intensities.weak, gains.vacuum
    ratio = (nu / mu) ** 2
    weak_term = gains.weak * exp(nu) - gains.signal * exp(mu) * ratio
    lower = mu / (mu * nu - nu**2) * (weak_term - (1 - ratio) * background)
    wrong = gains.weak_errors * exp(nu) - background / 2
    if lower <= 0 or wrong < 0:
        return SinglePhotons(max(lower, 0.0), 0.5)
    return SinglePhotons(min(lower, 1.0), min(wrong / (lower * nu), 0.5))


def decoy_rate(link: Link, *, signal: float, weak: float | None, bases: int = 2) -> float:
    """Return secret bits per pulse, 0 beyond the reach; asymptotic (infinitely long key).

    Args:
        link: the fibre.
        signal: mean photon number of the signal.
        weak: mean photon number of the weak decoy, or None for infinitely many decoys.
        bases: 2 for BB84, 3 for the six-state protocol, chosen with equal probability.

    Reference: eq. 1 (Gottesman, Lo, Luetkenhaus, Preskill) with basis choice q = 1/2; for three
    bases q = 1/3 and single photons pay what `rates.amplification_cost` says.

    >>> gys = FibreLink(length_km=50, loss_db_per_km=0.21, detector_efficiency=0.045,
    ...                 dark_count_probability=1.7e-6, misalignment=0.033,
    ...                 error_correction_efficiency=1.22)
    >>> f"{decoy_rate(gys, signal=0.48, weak=0.05):.4e}"
    '2.0962e-04'
    """
    return max(0.0, _decoy_margin(link, signal, weak, bases))


def decoy_reach_km(link: FibreLink, *, signal: float, weak: float | None, bases: int = 2) -> float:
    """Return the length at which the rate of such a fibre vanishes; 0 if it never is positive."""
    return falling_root(
        lambda km: _decoy_margin(replace(link, length_km=km), signal, weak, bases),
        0.0,
        _FARTHEST_KM,
    )


def multi_photon_probability(intensity: float) -> float:
    """Return 1 - (1 + mu) exp(-mu), the probability of two or more photons in a pulse.

    >>> multi_photon_probability(0.0), round(multi_photon_probability(0.48), 6)
    (0.0, 0.084201)
    """
    if not 0 <= intensity < float("inf"):
        raise ConfigError(f"an intensity of {intensity!r}; allowed: not negative, finite")
    if intensity > _WEAK_PULSE:
        return -expm1(-intensity) - intensity * exp(-intensity)
    # The difference would lose its digits: mu^2/2 - mu^3/3 + mu^4/8 - ...
    terms = range(2, 2 + _TERMS)
    return sum((k - 1) * (-intensity) ** k / factorial(k) for k in terms)


def optimal_signal(link: Link, *, bases: int = 2) -> float:
    """Return the signal intensity that maximises the rate when background is negligible.

    It solves (1 - mu) exp(-mu) = f h(e_d) / (1 - h(e_d)), eq. 12; 0 if no intensity works. With
    three bases single photons pay what `rates.amplification_cost` says, not h.

    >>> round(optimal_signal(FibreLink(length_km=0, misalignment=0.033,
    ...                                error_correction_efficiency=1.22)), 4)
    0.4789
    """
    kept = 1 - amplification_cost(link.misalignment, bases=bases)
    if kept <= 0:
        return 0.0
    correction = link.error_correction_efficiency * binary_entropy(link.misalignment)
    target = correction / kept
    return falling_root(lambda mu: (1 - mu) * exp(-mu) - target, 0.0, 1.0)


def no_decoy_rate(link: Link, *, signal: float) -> float:
    """Return secret bits per pulse without decoys: every multi-photon pulse is the eavesdropper's.

    Reference: Gottesman, Lo, Luetkenhaus, Preskill, Quantum Inf. Comput. 4, 325 (2004), eq. 50.
    """
    total = gain(link, signal)
    return max(0.0, SIFTING * total * _no_decoy_margin(link, signal)) if total else 0.0


def no_decoy_signal(link: Link) -> float:
    """Return the signal intensity that maximises the rate without decoys, to six digits.

    It is of the order of the transmittance: more photons hide less from the eavesdropper, fewer
    drown in the background.

    >>> gys = FibreLink(length_km=30, loss_db_per_km=0.21, detector_efficiency=0.045,
    ...                 dark_count_probability=1.7e-6, misalignment=0.033)
    >>> f"{no_decoy_signal(gys):.4f}"
    '0.0062'
    """
    eta, background = link.transmittance, link.dark_count_probability
    # Above about twice this, more pulses hold two photons than are detected at all.
    most = min(1.0, 2 * (eta + sqrt(eta**2 + 2 * background)))
    if most == 0:
        return 0.0

    def rate(logarithm: float) -> float:
        signal = exp(logarithm)
        return gain(link, signal) * _no_decoy_margin(link, signal)

    low, high = log(most) - _SEARCHED, log(most)
    tried = [low + (high - low) * step / _TRIED for step in range(_TRIED + 1)]
    best = max(tried, key=rate)
    return exp(_highest(rate, best - (high - low) / _TRIED, best + (high - low) / _TRIED))


def no_decoy_reach_km(link: FibreLink) -> float:
    """Return the length at which no intensity gives key without decoys; 0 if none ever does.

    >>> gys = FibreLink(length_km=0, loss_db_per_km=0.21, detector_efficiency=0.045,
    ...                 dark_count_probability=1.7e-6, misalignment=0.033,
    ...                 error_correction_efficiency=1.22)
    >>> round(no_decoy_reach_km(gys), 1)
    40.2
    """

    def margin(km: float) -> float:
        there = replace(link, length_km=km)
        signal = no_decoy_signal(there)
        return _no_decoy_margin(there, signal) if signal else -1.0

    return falling_root(margin, 0.0, _FARTHEST_KM)


def _no_decoy_margin(link: Link, signal: float) -> float:
    """Return secret bits per sifted bit, negative where there is no key."""
    total = gain(link, signal)
    qber = error_gain(link, signal) / total
    untagged = max(0.0, 1 - multi_photon_probability(signal) / total)
    correction = link.error_correction_efficiency * binary_entropy(qber)
    if qber >= untagged / 2:
        return -correction
    return untagged * (1 - binary_entropy(qber / untagged)) - correction


def _highest(value: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one top between two places has it, by golden sections."""
    section = (sqrt(5) - 1) / 2
    for _ in range(_SECTIONS):
        left, right = high - section * (high - low), low + section * (high - low)
        low, high = (low, right) if value(left) >= value(right) else (left, high)
    return (low + high) / 2


def _decoy_margin(link: Link, signal: float, weak: float | None, bases: int) -> float:
    if bases not in (2, 3):
        raise ConfigError(f"bases is {bases!r}; allowed: 2 (BB84) or 3 (six-state)")
    total = gain(link, signal)
    if weak is None:
        single = single_photons(link)
    else:
        intensities = Intensities(signal, weak)
        single = single_photon_bounds(expected_gains(link, intensities), intensities)
    qber = error_gain(link, signal) / total if total else 0.5
    correction = total * link.error_correction_efficiency * binary_entropy(qber)
    secret = single.gain(signal) * (1 - amplification_cost(single.error, bases=bases))
    return (secret - correction) / bases
