"""Continuous-variable QKD: Gaussian-modulated coherent states, homodyne detection (GG02).

Reverse reconciliation, collective attacks, infinitely long key; the receiver's losses and noise
are trusted. Variances are in units of shot noise.

Reference: Lodewyck et al., Phys. Rev. A 76, 042305 (2007), section V.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, sqrt

from qfl.core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianLink:
    """A coherent-state link.

    Attributes:
        modulation_variance: V_A of the sender's modulation.
        transmittance: T of the channel.
        excess_noise: xi, referred to the channel input.
        detector_efficiency: eta of the homodyne detector.
        electronic_noise: v_el of the detector.
        reconciliation_efficiency: beta, the part of the mutual information that is kept.
    """

    modulation_variance: float
    transmittance: float
    excess_noise: float
    detector_efficiency: float = 0.6
    electronic_noise: float = 0.01
    reconciliation_efficiency: float = 0.95

    def __post_init__(self) -> None:
        for name in ("transmittance", "detector_efficiency"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: above 0 to 1")
        for name in ("modulation_variance", "excess_noise", "electronic_noise"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: not negative")
        if not 0 <= self.reconciliation_efficiency <= 1:
            raise ConfigError(
                f"reconciliation_efficiency is {self.reconciliation_efficiency!r}; "
                "allowed: from 0 to 1"
            )


@dataclass(frozen=True, slots=True)
class GaussianKey:
    """Bits per pulse.

    Attributes:
        mutual_information: between sender and receiver.
        holevo: bound on what the eavesdropper knows of the receiver's results.
        rate: beta * mutual_information - holevo, 0 if that is negative.
    """

    mutual_information: float
    holevo: float
    rate: float


def gaussian_key(link: GaussianLink) -> GaussianKey:
    """Return mutual information, Holevo bound and key rate of a link.

    >>> lodewyck = GaussianLink(modulation_variance=18.5, transmittance=0.302,
    ...     excess_noise=0.005, detector_efficiency=0.606, electronic_noise=0.041,
    ...     reconciliation_efficiency=0.898)
    >>> round(gaussian_key(lodewyck).rate, 5)
    0.03515
    """
    t, v = link.transmittance, link.modulation_variance + 1
    line = 1 / t - 1 + link.excess_noise
    homodyne = ((1 - link.detector_efficiency) + link.electronic_noise) / link.detector_efficiency
    total = line + homodyne / t
    information = 0.5 * log2((v + total) / (1 + total))

    a = v**2 * (1 - 2 * t) + 2 * t + t**2 * (v + line) ** 2
    b = t**2 * (v * line + 1) ** 2
    denominator = t * (v + total)
    c = (v * sqrt(b) + t * (v + line) + a * homodyne) / denominator
    d = sqrt(b) * (v + sqrt(b) * homodyne) / denominator
    eavesdropper = sum(map(_thermal_entropy, _symplectic(a, b)))
    remaining = sum(map(_thermal_entropy, _symplectic(c, d)))
    holevo = max(0.0, eavesdropper - remaining)
    rate = max(0.0, link.reconciliation_efficiency * information - holevo)
    return GaussianKey(information, holevo, rate)


def _symplectic(trace: float, determinant: float) -> tuple[float, float]:
    """Return the symplectic eigenvalues; rounding never takes them below the vacuum's 1."""
    root = sqrt(max(0.0, trace**2 - 4 * determinant))
    large = (trace + root) / 2
    small = determinant / large
    return max(1.0, sqrt(large)), max(1.0, sqrt(small))


def _thermal_entropy(eigenvalue: float) -> float:
    """Return G((l-1)/2), G(x) = (x+1) log2(x+1) - x log2 x."""
    x = (eigenvalue - 1) / 2
    return (x + 1) * log2(x + 1) - x * log2(x) if x > 0 else 0.0
