"""An eavesdropper who counts photons and keeps one of every multi-photon pulse."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.qkd.decoy import multi_photon_probability
from qfl.security.qkd.link import Link


@dataclass(frozen=True, slots=True)
class PhotonNumberSplitting:
    """Blocks single photons and replaces the fibre, so that the signal's gain stays as it was.

    Of every pulse with two or more photons she keeps one and sends the rest over a line without
    loss; once the bases are public she knows those bits and has caused no error. She lets single
    photons pass only as far as multi-photon pulses do not suffice for the expected gain.

    Attributes:
        signal: intensity whose gain she matches.

    Reference: Brassard, Luetkenhaus, Mor, Sanders, Phys. Rev. Lett. 85, 1330 (2000).
    """

    signal: float = 0.48

    def __post_init__(self) -> None:
        if not 0 < self.signal < float("inf"):
            raise ConfigError(f"a signal intensity of {self.signal!r}; allowed: positive")

    @property
    def multi_photon(self) -> float:
        """Probability that a signal pulse has two or more photons.

        >>> round(PhotonNumberSplitting(0.48).multi_photon, 6)
        0.084201
        """
        return multi_photon_probability(self.signal)

    def passed_singles(self, link: Link) -> float:
        """Return the fraction of single photons that she must let pass."""
        wanted = -expm1(-link.transmittance * self.signal)
        lacking = max(0.0, wanted - self.multi_photon)
        return min(1.0, lacking / (self.signal * exp(-self.signal)))

    def yields(self, link: Link, *, photons: int) -> NDArray[np.float64]:
        """Return her click probabilities for pulses of 0, 1, ..., `photons` photons."""
        wanted = -expm1(-link.transmittance * self.signal)
        click = np.full(photons + 1, min(1.0, wanted / self.multi_photon))
        click[0] = 0.0
        click[1] = self.passed_singles(link)
        return np.minimum(1.0, click + link.dark_count_probability)
