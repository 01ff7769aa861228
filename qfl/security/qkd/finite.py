"""Key lengths of finite blocks, with every statistical deviation priced in.

Decoy BB84 with a biased basis choice: one basis makes the key, the other prices the eavesdropper.
The bounds take counts, observed or expected; `expected_counts` computes what a link would show.

References: Lim, Curty, Walenta, Xu, Zbinden, Phys. Rev. A 89, 022307 (2014) for two decoys
(lambda_EC carries the factor n_X that its eq. 1 implies; the error model uses the transmittance
of the whole system); Rusca et al., Appl. Phys. Lett. 112, 171104 (2018) for one decoy. A
corrected treatment of fixed-length keys is in arXiv:2405.16578.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, factorial, floor, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.qkd.link import Link
from qfl.security.qkd.rates import binary_entropy

_Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteProtocol:
    """Settings of a finite-key session.

    Attributes:
        intensities: mean photon numbers, strongest first; three (two decoys) or two (one decoy).
        probabilities: how often each is sent; they sum to 1.
        key_basis: probability of the key basis, at each end.
        secrecy: epsilon_sec of the final key.
        correctness: epsilon_cor.
    """

    intensities: tuple[float, ...]
    probabilities: tuple[float, ...]
    key_basis: float
    secrecy: float = 1e-10
    correctness: float = 1e-15

    def __post_init__(self) -> None:
        k, p = self.intensities, self.probabilities
        falling = all(a > b for a, b in pairwise(k)) and k[-1] >= 0
        if len(k) not in (2, 3) or not falling or (len(k) == 3 and k[0] <= k[1] + k[2]):
            raise ConfigError(
                f"intensities {k!r}; allowed: two or three, falling, the first of three above "
                "the sum of the others"
            )
        if len(p) != len(k) or min(p) <= 0 or abs(sum(p) - 1) > 1e-9:
            raise ConfigError(f"probabilities {p!r}; allowed: one per intensity, with sum 1")
        for name in ("key_basis", "secrecy", "correctness"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: between 0 and 1")


@dataclass(frozen=True, slots=True)
class BasisCounts:
    """Sifted detections and errors of one basis, one number per intensity."""

    detected: Sequence[float]
    errors: Sequence[float]


@dataclass(frozen=True, slots=True)
class FiniteKey:
    """What the counts allow.

    Attributes:
        vacuum, single: lower bounds on the key-basis detections from 0 and 1 photons.
        test_single: lower bound on the test-basis detections from single photons.
        test_errors: upper bound on the errors among them.
        phase_error: upper bound for the key basis, at most 1/2.
        disclosed_bits: spent on error correction.
        length: secret bits, 0 if nothing is left.
    """

    vacuum: float
    single: float
    test_single: float
    test_errors: float
    phase_error: float
    disclosed_bits: float
    length: int


def expected_counts(
    link: Link, protocol: FiniteProtocol, *, block: float
) -> tuple[BasisCounts, BasisCounts, float]:
    """Return the counts that a link shows in key and test basis, and the pulses it takes.

    Args:
        link: its afterpulses count; `dark_count_probability` is for both detectors together.
        protocol: the session's settings.
        block: sifted bits in the key basis.
    """
    clicks, errors = _click_probabilities(link, protocol)
    p = np.array(protocol.probabilities)
    rate, mistakes = p * clicks, p * errors
    pulses = block / (protocol.key_basis**2 * rate.sum())
    key, test = pulses * protocol.key_basis**2, pulses * (1 - protocol.key_basis) ** 2
    return (
        BasisCounts((key * rate).tolist(), (key * mistakes).tolist()),
        BasisCounts((test * rate).tolist(), (test * mistakes).tolist()),
        float(pulses),
    )


def sampled_counts(
    link: Link, protocol: FiniteProtocol, *, pulses: int, rng: np.random.Generator
) -> tuple[BasisCounts, BasisCounts]:
    """Return the counts that one block of pulses happens to show in key and test basis.

    Sampled as numbers, never pulse by pulse: a block of 10^12 pulses costs microseconds.

    >>> from qfl.security.qkd.link import FibreLink
    >>> link = FibreLink(length_km=50)
    >>> lim = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2),
    ...                      key_basis=0.85)
    >>> key, test = sampled_counts(link, lim, pulses=10**12, rng=np.random.default_rng(0))
    >>> finite_key(key, test, lim, disclosed_bits=1.16 * 0.12 * sum(key.detected)).length > 10**8
    True
    """
    clicks, errors = _click_probabilities(link, protocol)
    sent = rng.multinomial(pulses, protocol.probabilities)
    bases = []
    for share in (protocol.key_basis**2, (1 - protocol.key_basis) ** 2):
        detected = rng.binomial(sent, np.minimum(1.0, share * clicks))
        wrong = rng.binomial(detected, errors / np.maximum(clicks, 1e-300))
        bases.append(BasisCounts(detected.tolist(), wrong.tolist()))
    return bases[0], bases[1]


def finite_key(
    key: BasisCounts,
    test: BasisCounts,
    protocol: FiniteProtocol,
    *,
    disclosed_bits: float,
) -> FiniteKey:
    """Return the bounds and the secret length.

    Args:
        key, test: counts per intensity in the two bases.
        protocol: two decoys (Lim et al. 2014) or one (Rusca et al. 2018), by its intensities.
        disclosed_bits: published by error correction, verification excluded.
    """
    bounds = _TwoDecoys(protocol) if len(protocol.intensities) == 3 else _OneDecoy(protocol)
    vacuum, single = bounds.vacuum_and_single(key)
    _, test_single = bounds.vacuum_and_single(test)
    test_errors = bounds.single_errors(test)
    phase_error = 0.5
    if test_single > 0 and single > 0 and test_errors < test_single / 2:
        ratio = test_errors / test_single
        noise = sampling_deviation(protocol.secrecy, ratio, test_single, single, bounds.terms)
        phase_error = min(0.5, ratio + noise)
    length = (
        vacuum
        + single * (1 - binary_entropy(phase_error))
        - disclosed_bits
        - 6 * log2(bounds.terms / protocol.secrecy)
        - log2(2 / protocol.correctness)
    )
    return FiniteKey(
        vacuum=vacuum,
        single=single,
        test_single=test_single,
        test_errors=test_errors,
        phase_error=phase_error,
        disclosed_bits=disclosed_bits,
        length=max(0, floor(length)),
    )


def expected_finite_key(
    link: Link, protocol: FiniteProtocol, *, block: float
) -> tuple[FiniteKey, float]:
    """Return the finite key that a link is expected to give, and its secret bits per pulse.

    Error correction discloses n f h(QBER) bits.

    >>> from qfl.security.qkd.link import FibreLink
    >>> link = FibreLink(length_km=100, detector_efficiency=0.1, dark_count_probability=1.2e-6,
    ...                  afterpulse_probability=0.04, misalignment=0.005)
    >>> lim = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2),
    ...                      key_basis=0.85)
    >>> key, rate = expected_finite_key(link, lim, block=1e7)
    >>> key.length
    2236094
    """
    key, test, pulses = expected_counts(link, protocol, block=block)
    n = sum(key.detected)
    qber = sum(key.errors) / n
    disclosed = n * link.error_correction_efficiency * binary_entropy(qber)
    result = finite_key(key, test, protocol, disclosed_bits=disclosed)
    return result, result.length / pulses


def sampling_deviation(secrecy: float, ratio: float, n: float, k: float, terms: int) -> float:
    """Return how far the error ratio of k unseen bits may exceed that of n sampled ones.

    Args:
        secrecy: epsilon_sec.
        ratio: observed, from 0 to 1/2.
        n, k: sampled and unseen.
        terms: how many failure events share epsilon_sec (21 or 19).

    Reference: gamma in Lim et al. 2014, after eq. 5.
    """
    ratio = max(ratio, 1 / n)
    spread = (n + k) * (1 - ratio) * ratio / (n * k * log(2))
    chance = (n + k) / (n * k * (1 - ratio) * ratio) * terms**2 / secrecy**2
    return sqrt(spread * max(0.0, log2(chance)))


def single_photon_deviation(sampled: float, unseen: float, epsilon: float) -> float:
    """Return mu = sqrt((n+k)/(nk) (k+1)/k ln(2/eps)), for a single-photon source.

    Args:
        sampled: k, bits compared.
        unseen: n, bits of the key.
        epsilon: failure probability.

    Reference: Tomamichel, Lim, Gisin, Renner, Nat. Commun. 3, 634 (2012), eq. 2.

    >>> round(single_photon_deviation(1e5, 1e6, 1e-10), 6)
    0.016153
    """
    n, k = unseen, sampled
    return sqrt((n + k) / (n * k) * (k + 1) / k * log(2 / epsilon))


def _click_probabilities(link: Link, protocol: FiniteProtocol) -> tuple[_Vector, _Vector]:
    """Return clicks and wrong clicks per pulse, for every intensity."""
    dark = link.dark_count_probability
    photon = -np.expm1(-link.transmittance * np.array(protocol.intensities))
    detected = dark + (1 - dark) * photon
    wrong = dark / 2 + link.misalignment * photon + link.afterpulse_probability * detected / 2
    return detected * (1 + link.afterpulse_probability), wrong


class _Bounds:
    """Deviations and photon-number weights that both analyses share."""

    terms: int

    def __init__(self, protocol: FiniteProtocol, terms: int) -> None:
        self.terms = terms
        self.k = np.array(protocol.intensities)
        self.p = np.array(protocol.probabilities)
        self._log = log(terms / protocol.secrecy)

    def delta(self, total: float) -> float:
        """Return Hoeffding's deviation of a total."""
        return sqrt(total / 2 * self._log)

    def tau(self, photons: int) -> float:
        """Return the probability that a pulse has this many photons."""
        weights = self.p * np.exp(-self.k) * self.k**photons
        return float(weights.sum()) / factorial(photons)

    def limits(self, counts: Sequence[float]) -> tuple[_Vector, _Vector]:
        """Return lower (not negative) and upper limits of e^k / p_k times the mean counts."""
        deviation = self.delta(sum(counts))
        scale = np.exp(self.k) / self.p
        observed = np.array(counts)
        return scale * np.maximum(observed - deviation, 0.0), scale * (observed + deviation)


class _TwoDecoys(_Bounds):
    def __init__(self, protocol: FiniteProtocol) -> None:
        super().__init__(protocol, terms=21)

    def vacuum_and_single(self, counts: BasisCounts) -> tuple[float, float]:
        """Return lower bounds on the detections from 0 and 1 photons (eqs. 2 and 3)."""
        low, high = self.limits(counts.detected)
        k1, k2, k3 = self.k
        tau0, tau1 = self.tau(0), self.tau(1)
        vacuum = max(0.0, tau0 * (k2 * low[2] - k3 * high[1]) / (k2 - k3))
        multi = (k2**2 - k3**2) / k1**2 * (high[0] - vacuum / tau0)
        numerator = tau1 * k1 * (low[1] - high[2] - multi)
        single = numerator / (k1 * (k2 - k3) - k2**2 + k3**2)
        return float(vacuum), float(max(0.0, single))

    def single_errors(self, counts: BasisCounts) -> float:
        """Return an upper bound on the errors from single photons (eq. 4)."""
        low, high = self.limits(counts.errors)
        return float(max(0.0, self.tau(1) * (high[1] - low[2]) / (self.k[1] - self.k[2])))


class _OneDecoy(_Bounds):
    def __init__(self, protocol: FiniteProtocol) -> None:
        super().__init__(protocol, terms=19)

    def vacuum_and_single(self, counts: BasisCounts) -> tuple[float, float]:
        """Return lower bounds on the detections from 0 and 1 photons (eqs. A.17 to A.19)."""
        low, high = self.limits(counts.detected)
        k1, k2 = self.k
        tau0, tau1 = self.tau(0), self.tau(1)
        vacuum = max(0.0, tau0 * (k1 * low[1] - k2 * high[0]) / (k1 - k2))
        mistakes = counts.errors[1] + self.delta(sum(counts.errors))
        most = tau0 * exp(k2) / self.p[1] * mistakes + self.delta(sum(counts.detected))
        multi = k2**2 / k1**2 * high[0] + (k1**2 - k2**2) / k1**2 * 2 * most / tau0
        single = tau1 * k1 / (k2 * (k1 - k2)) * (low[1] - multi)
        return float(vacuum), float(max(0.0, single))

    def single_errors(self, counts: BasisCounts) -> float:
        """Return an upper bound on the errors from single photons (eq. A.22)."""
        low, high = self.limits(counts.errors)
        return float(max(0.0, self.tau(1) * (high[0] - low[1]) / (self.k[0] - self.k[1])))
