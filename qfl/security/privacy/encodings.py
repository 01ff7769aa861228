"""How changes of a bounded norm become integers that masks can hide and a server can add.

Rounding lengthens a vector, most of all a long one of small numbers. Here it never does so beyond
what is priced: for noise in shares the rounded norm is priced, for a server's noise changes are
shortened before they are rounded, and the rounded ones are within the clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.privacy.clipping import clip_to_norm
from qfl.security.privacy.distributed import integer_noise, round_within, rounded_norm

BETA = exp(-0.5)
"""Bound on the probability that a rounding is repeated."""

_DEVIATIONS = 8.0
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClippedGrid:
    """Clipped changes as integers whose L2 norm is within the clip too.

    Attributes:
        clip: S.
        steps: per clip; the more, the less a change is shortened.

    >>> grid = ClippedGrid(0.5)
    >>> steps = grid.integers(np.ones(4), weight=1, rng=np.random.default_rng(0))
    >>> bool(np.linalg.norm(steps) * grid.step <= 0.5)
    True
    """

    clip: float
    steps: int = 1 << 14
    weighted: ClassVar[bool] = False

    @property
    def step(self) -> float:
        """What one integer stands for."""
        return self.clip / self.steps

    def beyond(self, change: Vector) -> int:
        """Return 0: a change is scaled down as a whole."""
        return 0

    def integers(
        self, change: Vector, *, weight: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the change in steps, shortened so that rounding ends within the clip.

        Raises:
            ConfigError: so many numbers cannot be rounded within so few steps.
        """
        bound = norm_before_rounding(self.steps, len(change), beta=BETA)
        scaled = clip_to_norm(np.asarray(change) / self.step, bound)
        return round_within(scaled, self.steps, rng=rng)

    def noise(self, size: int, *, survivors: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return zeros: the server adds the noise."""
        return np.zeros(size, np.int64)

    def modulus_bits(self, clients: int) -> int:
        """Return a modulus in which no sum wraps: every number is within the norm."""
        return int(2 * clients * self.steps + 1).bit_length()


@dataclass(frozen=True, slots=True)
class NoiseShares:
    """Clipped changes as integers, with a client's share of noise for every sum.

    Attributes:
        kind: of the noise.
        clip: S.
        deviation: of the noise in a sum of the fewest survivors, in steps.
        steps: per clip.
    """

    kind: str
    clip: float
    deviation: float
    steps: int
    weighted: ClassVar[bool] = False

    @property
    def step(self) -> float:
        """What one integer stands for."""
        return self.clip / self.steps

    def beyond(self, change: Vector) -> int:
        """Return 0: a change is scaled down as a whole."""
        return 0

    def integers(
        self, change: Vector, *, weight: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the change in steps, rounded within the norm that is priced."""
        most = rounded_norm(self.steps, len(change), beta=BETA)
        return round_within(clip_to_norm(change, self.clip) / self.step, most, rng=rng)

    def noise(self, size: int, *, survivors: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return one client's share."""
        return integer_noise(self.kind, self.deviation / sqrt(survivors), size, rng=rng)

    def modulus_bits(self, clients: int) -> int:
        """Return a modulus in which the sum does not wrap but with negligible probability.

        Wrapping costs accuracy, never privacy. More than half survive, so the noise of all is
        less than sqrt 2 times that of the fewest.
        """
        most = clients * (self.steps + 1) + _DEVIATIONS * sqrt(2) * self.deviation
        return int(2 * most + 1).bit_length()


def norm_before_rounding(norm: float, dimension: int, *, beta: float) -> float:
    """Return the norm c that conditional rounding takes to at most `norm`, see `rounded_norm`.

    Args:
        norm: D~, after rounding, in units of the grid.
        dimension: d.
        beta: bound on the probability that a rounding is repeated; above 0.

    Raises:
        ConfigError: no vector of so many numbers is that short when rounded.

    >>> c = norm_before_rounding(1024, 65_536, beta=BETA)
    >>> round(rounded_norm(c, 65_536, beta=BETA), 6)
    1024.0
    """
    if not 0 < beta < 1:
        raise ConfigError(f"beta is {beta!r}; allowed: between 0 and 1")
    half = sqrt(-2 * log(beta)) / 2
    # c^2 + d/4 + 2h (c + sqrt d / 2) = D~^2, or c + sqrt d = D~
    left = norm**2 - dimension / 4 - half * sqrt(dimension) + half**2
    found = max(sqrt(left) - half if left > 0 else 0.0, norm - sqrt(dimension))
    if found <= 0:
        raise ConfigError(
            f"{dimension} numbers do not round within {norm:g} steps; take more steps per clip"
        )
    return found
