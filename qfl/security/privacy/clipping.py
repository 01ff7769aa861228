"""Bounding what one client can contribute: a fixed norm, or one that follows a quantile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError


def clip_to_norm(vector: ArrayLike, bound: float) -> NDArray[np.float64]:
    """Return the vector scaled down to an L2 norm of at most `bound`.

    >>> clip_to_norm([3.0, 4.0], 2.5).tolist()
    [1.5, 2.0]

    Raises:
        ConfigError: an entry is not finite: it would escape every bound.
    """
    values = np.asarray(vector, dtype=np.float64)
    if not bound > 0 or not np.isfinite(values).all():
        raise ConfigError(
            f"clipping to a norm of {bound!r}; allowed: a positive bound and finite entries"
        )
    norm = float(np.linalg.norm(values))
    if norm <= bound:
        return values
    clipped = values * (bound / norm)
    return clipped * min(1.0, bound / float(np.linalg.norm(clipped)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveClip:
    """A clipping norm that moves to a quantile of the clients' norms, counted under noise.

    Attributes:
        bound: C, the current norm.
        quantile: gamma, the fraction of clients that should stay below it.
        rate: eta, of the geometric step.
        count_noise: standard deviation of the noise on the count of clients below; n/20 works.

    Reference: Andrew, Thakkar, McMahan, Ramaswamy, arXiv:1905.03871, algorithm 1.

    >>> clip = AdaptiveClip(bound=1.0, count_noise=0.0)
    >>> round(clip.after(below=10, clients=10, rng=np.random.default_rng(0)).bound, 4)
    0.9048
    """

    bound: float
    quantile: float = 0.5
    rate: float = 0.2
    count_noise: float = 5.0

    def __post_init__(self) -> None:
        if not (self.bound > 0 and 0 <= self.quantile <= 1 and self.rate >= 0):
            raise ConfigError(f"{self}; allowed: bound > 0, quantile from 0 to 1, rate >= 0")
        if not 0 <= self.count_noise < inf:
            raise ConfigError(f"count_noise is {self.count_noise!r}; allowed: not negative")

    def after(self, *, below: int, clients: int, rng: np.random.Generator) -> AdaptiveClip:
        """Return the clip of the next round.

        Args:
            below: clients whose norm was at most the bound.
            clients: of this round, as expected; public.
            rng: draws the noise on the count.
        """
        if clients < 1 or not 0 <= below <= clients:
            raise ConfigError(f"{below!r} of {clients!r} clients below; allowed: 0 to all")
        fraction = (below + rng.normal(0.0, self.count_noise)) / clients
        step = max(-700.0, min(700.0, -self.rate * (fraction - self.quantile)))
        return replace(self, bound=self.bound * exp(step))

    def update_noise(self, noise_multiplier: float, *, vote: float = 0.5) -> float:
        """Return the noise multiplier left for the updates, (z^-2 - (v / s_b)^2)^(-1/2).

        Both releases together then cost what z alone would.

        Args:
            noise_multiplier: z.
            vote: v, by how much one client moves the count. One that is there or not moves it by
                1/2 if votes are counted as +-1/2; one whose change becomes zero, which is below
                every bound, moves it by 1.

        >>> round(AdaptiveClip(bound=1.0, count_noise=5.0).update_noise(1.0), 7)
        1.0050378
        """
        spent = vote / self.count_noise if self.count_noise else inf
        left = noise_multiplier**-2 - spent**2
        if left <= 0:
            raise ConfigError(
                f"noise of {self.count_noise!r} on the count costs more than a noise multiplier "
                f"of {noise_multiplier!r} allows; take more than {noise_multiplier * vote:g}"
            )
        return 1 / sqrt(left)
