"""Where the noise of a private federation comes from, as options of a study.

    central        the server adds it to the mean; it is trusted with that, under masks with no more
    local          every client adds enough for itself; nobody is trusted, most signal is lost
    distributed    every client adds a share to its masked change; only sums are private

All of them clip a client's whole change to one L2 norm and count every client once. The noise
multiplier is relative to that norm, so equal multipliers mean equal noise per unit of change.
Prices assume that who takes part does not depend on anybody's data, and claim no amplification.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import inf, sqrt
from typing import ClassVar, Protocol

import numpy as np

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.privacy.accountant import gaussian_guarantee
from qfl.security.privacy.clipping import AdaptiveClip, clip_to_norm
from qfl.security.privacy.distributed import KINDS, SumNoise, rounded_norm
from qfl.security.privacy.encodings import BETA, ClippedGrid, NoiseShares, Vector
from qfl.security.privacy.guarantee import Adjacency, Conversion, Guarantee, Price

_VOTE = 1.0
"""A client whose changes become zero comes below the bound: that moves the count by one."""


class Mechanism(Protocol):
    """One way to make a federation private."""

    name: ClassVar[str]

    @property
    def clip(self) -> float: ...
    @property
    def noise_multiplier(self) -> float: ...
    @property
    def delta(self) -> float: ...
    @property
    def budget(self) -> float: ...

    def send(self, change: Vector, *, bound: float, rng: np.random.Generator) -> Vector:
        """Return what a client lets out of its hands."""
        ...

    def server_noise(self, *, bound: float, clients: int = 1) -> float:
        """Return the standard deviation of what the server adds to a sum; the fewer, the more."""
        ...

    def price(self, releases: int, *, dimension: int, clients: int) -> Price:
        """Return what so many releases with changes of one client guarantee.

        Args:
            releases: rounds that the client took part in.
            dimension: numbers in the longest change.
            clients: of a round.
        """
        ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """No privacy: a method of a study that others are compared with; no options."""


@dataclass(frozen=True, slots=True)
class Central:
    """The server adds Gaussian noise to every mean.

    Attributes:
        noise_multiplier: z; a sum gets noise of standard deviation z x clip.
        clip: S, L2 norm of a client's whole change; where it starts if it adapts.
        delta: of the guarantee.
        budget: epsilon beyond which nothing more is released; 0: none.
        quantile: of the clients' norms that the clip moves to; 0 keeps it where it is.

    A client whose changes become zero moves the sum by S at most and, as zero is below every
    bound, the count of an adaptive clip by 1. The count takes its part of z: with noise s_b on it
    the changes get z_D = (z^-2 - s_b^-2)^(-1/2), and both together cost what z alone does.

    References: McMahan, Ramage, Talwar, Zhang, ICLR 2018, algorithm 1; Andrew, Thakkar, McMahan,
    Ramaswamy, arXiv:1905.03871, theorem 1, where clients come and go and a vote weighs 1/2.
    """

    name: ClassVar[str] = "central"

    noise_multiplier: float = 1.0
    clip: float = 1.0
    delta: float = 1e-5
    budget: float = 0.0
    quantile: float = 0.0

    def __post_init__(self) -> None:
        _check(self)
        if not 0 <= self.quantile < 1:
            raise ConfigError(f"quantile is {self.quantile!r}; allowed: 0 to below 1")

    def adaptive(self, clients: int) -> AdaptiveClip | None:
        """Return how the clip moves, None if it stays.

        Args:
            clients: of a round. The noise on their count is n/20, and at least 2z, which leaves
                the noise on the changes 15 % larger.
        """
        if not self.quantile:
            return None
        count_noise = max(clients / 20, 2 * self.noise_multiplier)
        return AdaptiveClip(bound=self.clip, quantile=self.quantile, count_noise=count_noise)

    def send(self, change: Vector, *, bound: float, rng: np.random.Generator) -> Vector:
        """Return the clipped change."""
        return clip_to_norm(change, bound)

    def server_noise(self, *, bound: float, clients: int = 1) -> float:
        """Return z x the bound, or z_D x the bound where the clip adapts."""
        moving, z = self.adaptive(clients), self.noise_multiplier
        return (moving.update_noise(z, vote=_VOTE) if moving else z) * bound

    @property
    def grid(self) -> ClippedGrid:
        """How clipped changes become integers under masks, where the clip does not adapt."""
        return ClippedGrid(self.clip)

    def price(self, releases: int, *, dimension: int, clients: int) -> Price:
        """Return the price of so many Gaussian sums of sensitivity 1, and of their counts."""
        return _gaussian(self.noise_multiplier, releases, self.delta, Adjacency.ZERO_OUT)


@dataclass(frozen=True, slots=True)
class Local:
    """Every client adds Gaussian noise to its own change.

    Attributes:
        noise_multiplier: z; every change gets noise of standard deviation z x clip.
        clip: S, L2 norm of a client's whole change; two changes differ by at most 2 S.
        delta, budget: as in `Central`.
    """

    name: ClassVar[str] = "local"

    noise_multiplier: float = 1.0
    clip: float = 1.0
    delta: float = 1e-5
    budget: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def send(self, change: Vector, *, bound: float, rng: np.random.Generator) -> Vector:
        """Return the clipped change with noise."""
        noise = rng.normal(0.0, self.noise_multiplier * bound, change.shape)
        return clip_to_norm(change, bound) + noise

    def server_noise(self, *, bound: float, clients: int = 1) -> float:
        """Return 0."""
        return 0.0

    def price(self, releases: int, *, dimension: int, clients: int) -> Price:
        """Return the price of so many Gaussian releases of sensitivity 2."""
        return _gaussian(self.noise_multiplier / 2, releases, self.delta, Adjacency.REPLACE)


@dataclass(frozen=True, slots=True)
class Distributed:
    """Every client adds a share of integer noise before it masks.

    Shares are so large that the fewest survivors of a sum bring noise of standard deviation
    z x clip: the worst count of dropouts is what is priced, whoever really came.

    Attributes:
        noise: "discrete_gaussian" or "skellam".
        noise_multiplier: z, of the noise in a sum.
        clip: S, L2 norm of a client's whole change.
        delta, budget: as in `Central`.
        steps: of the integer grid in one clip; rounding adds to the norm that is priced.

    References: Kairouz, Liu, Steinke, ICML 2021, arXiv:2102.06387; Agarwal, Kairouz, Liu,
    NeurIPS 2021, arXiv:2110.04995.
    """

    name: ClassVar[str] = "distributed"

    noise: str = "discrete_gaussian"
    noise_multiplier: float = 1.0
    clip: float = 1.0
    delta: float = 1e-5
    budget: float = 0.0
    steps: int = 1024

    def __post_init__(self) -> None:
        _check(self)
        if self.noise not in KINDS:
            raise UnknownNameError("distributed noise", self.noise, KINDS)
        if self.steps < 1 or self.noise_multiplier * self.steps < 8:
            raise ConfigError(
                f"{self.steps!r} steps at a noise multiplier of {self.noise_multiplier!r}; "
                "allowed: at least 8 steps of noise, or integers show through; take more steps"
            )

    def send(self, change: Vector, *, bound: float, rng: np.random.Generator) -> Vector:
        """Return the clipped change; `shares` adds the noise where it becomes integers."""
        return clip_to_norm(change, bound)

    def server_noise(self, *, bound: float, clients: int = 1) -> float:
        """Return 0."""
        return 0.0

    @property
    def shares(self) -> NoiseShares:
        """How clipped changes become noisy integers."""
        return NoiseShares(self.noise, self.clip, self.noise_multiplier * self.steps, self.steps)

    def price(self, releases: int, *, dimension: int, clients: int) -> Price:
        """Return the price of the fewest noise shares, over all sums of a client's change.

        Loss distributions, divergences and squared norms of independent sums add.
        """
        deviation = self.noise_multiplier * self.steps
        return SumNoise(
            kind=self.noise,
            deviation=deviation,
            share=deviation / sqrt(clients),
            shares=clients,
            norm=rounded_norm(self.steps, dimension, beta=BETA),
            dimension=dimension,
        ).price(rounds=releases, delta=self.delta, adjacency=Adjacency.ZERO_OUT)


def _gaussian(noise_multiplier: float, releases: int, delta: float, adjacency: Adjacency) -> Price:
    tight, renyi = (
        _guarantee(noise_multiplier, releases, delta, way)
        for way in (Conversion.PLD, Conversion.RDP)
    )
    return Price(replace(tight, adjacency=adjacency), renyi.epsilon)


@cache
def _guarantee(
    noise_multiplier: float, releases: int, delta: float, conversion: Conversion
) -> Guarantee:
    return gaussian_guarantee(
        noise_multiplier=noise_multiplier, rounds=releases, delta=delta, conversion=conversion
    )


def _check(mechanism: Central | Local | Distributed) -> None:
    for name in ("noise_multiplier", "clip"):
        if not 0 < getattr(mechanism, name) < inf:
            raise ConfigError(f"{name} is {getattr(mechanism, name)!r}; allowed: positive")
    if not 0 < mechanism.delta < 1 or not 0 <= mechanism.budget < inf:
        raise ConfigError(
            f"delta {mechanism.delta!r} and budget {mechanism.budget!r}; allowed: between 0 and "
            "1, and not negative (0: no budget)"
        )
