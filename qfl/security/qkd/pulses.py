"""Pulses one by one: photon number, arrival, detection. For attacks that act on photon numbers.

Pulses are drawn in blocks of one intensity (their order carries nothing), vectorised. The counts
that `session.py` samples directly are sums over these pulses; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.security.qkd.link import Link

_MOST_PHOTONS = 12
_BLOCK = 1 << 18


class Splitter(Protocol):
    """Stands in the quantum channel and counts photons before she decides what passes."""

    def yields(self, link: Link, *, photons: int) -> NDArray[np.float64]:
        """Return the probability of a click for pulses of 0, 1, ..., `photons` photons."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Clicks:
    """What a receiver saw of one intensity.

    Attributes:
        sent: pulses.
        photons: (clicks,) photons that each detected pulse had when it left.
        background: (clicks,) whether background alone made it click.
    """

    sent: int
    photons: NDArray[np.uint8]
    background: NDArray[np.bool_]


def honest_yields(link: Link, *, photons: int) -> NDArray[np.float64]:
    """Return Y_n = Y0 + 1 - (1 - eta)^n, at most 1, for n = 0, 1, ..., `photons`.

    Reference: Ma, Qi, Zhao, Lo, Phys. Rev. A 72, 012326 (2005), eqs. 4 and 7.
    """
    arrives = 1 - (1 - link.transmittance) ** np.arange(photons + 1)
    return np.minimum(1.0, link.dark_count_probability + arrives)


def send_pulses(
    link: Link,
    intensity: float,
    *,
    pulses: int,
    rng: np.random.Generator,
    splitter: Splitter | None = None,
) -> Clicks:
    """Return the clicks that `pulses` weak coherent pulses make.

    >>> from qfl.security.qkd.link import FibreLink
    >>> clicks = send_pulses(FibreLink(length_km=10), 0.48, pulses=100_000,
    ...                      rng=np.random.default_rng(0))
    >>> 0.055 < len(clicks.photons) / clicks.sent < 0.062
    True
    """
    number = np.arange(_MOST_PHOTONS + 1)
    poisson = np.exp(-intensity) * np.concatenate([[1.0], np.cumprod(intensity / number[1:])])
    edges = np.cumsum(poisson)[:-1]
    edges = edges[: 1 + int(np.searchsorted(edges, 1 - 1e-9))]
    yields = splitter.yields if splitter else honest_yields
    click = yields(link, photons=len(edges))
    dark = np.minimum(1.0, link.dark_count_probability / np.maximum(click, 1e-300))
    found: list[NDArray[np.uint8]] = []
    for start in range(0, pulses, _BLOCK):
        block = min(_BLOCK, pulses - start)
        drawn = rng.random(block)
        photons = np.zeros(block, np.uint8)
        for edge in edges:
            photons += drawn > edge
        found.append(photons[rng.random(block) < click[photons]])
    detected = np.concatenate(found) if found else np.empty(0, np.uint8)
    return Clicks(pulses, detected, rng.random(len(detected)) < dark[detected])
