"""Noise in shares: every client adds a little integer noise, and only the masked sum is private.

It equals a trusted server's noise only if enough shares arrive, so the price is that of the
worst count of dropouts, whoever really came. The server must see nothing but the sum.

Discrete Gaussian shares are priced by loss distributions (`dominance.py` says how), Skellam shares
by Renyi divergences alone.

References: Kairouz, Liu, Steinke, ICML 2021, arXiv:2102.06387 (distributed discrete Gaussian);
Agarwal, Kairouz, Liu, NeurIPS 2021, arXiv:2110.04995 (Skellam).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.privacy.clipping import clip_to_norm
from qfl.security.privacy.dominance import dominating_gaussian
from qfl.security.privacy.guarantee import Adjacency, Conversion, Guarantee, Price
from qfl.security.privacy.noise import discrete_gaussian, skellam
from qfl.security.privacy.renyi import epsilon_from_rdp

KINDS = ("discrete_gaussian", "skellam")
ORDERS = (*range(2, 65), 96, 128, 192, 256, 384, 512, 768, 1024)


def rounded_norm(norm: float, dimension: int, *, beta: float) -> float:
    """Return the L2 bound that conditional rounding keeps.

    D~^2 = min{(c + sqrt d)^2, c^2 + d/4 + sqrt(2 ln(1/beta)) (c + sqrt d / 2)}.

    Args:
        norm: c, before rounding, in units of the grid.
        dimension: d.
        beta: bound on the probability that a rounding is repeated; 0 rounds once.

    Reference: arXiv:2102.06387, proposition 22.

    >>> round(rounded_norm(100, 65_536, beta=exp(-0.5)), 5)
    163.13185
    """
    if not 0 <= beta < 1 or norm < 0 or dimension < 1:
        raise ConfigError(
            f"norm {norm!r}, dimension {dimension!r}, beta {beta!r}; allowed: not negative, at "
            "least 1, from 0 to below 1"
        )
    always = (norm + sqrt(dimension)) ** 2
    if beta == 0:
        return sqrt(always)
    usually = norm**2 + dimension / 4 + sqrt(-2 * log(beta)) * (norm + sqrt(dimension) / 2)
    return sqrt(min(always, usually))


def round_within(
    scaled: NDArray[np.float64], most: float, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the vector rounded at random, drawn again until its L2 norm is at most `most`.

    >>> round_within(np.array([0.5, 0.0]), 1.0, rng=np.random.default_rng(0)).tolist()
    [0, 0]
    """
    floor = np.floor(scaled)
    while True:
        rounded = floor + (rng.random(scaled.shape) < scaled - floor)
        if float(np.linalg.norm(rounded)) <= most:
            return rounded.astype(np.int64)


def integer_noise(
    kind: str, sigma: float, size: int, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return integer noise of standard deviation `sigma`, of one of KINDS.

    >>> integer_noise("skellam", 2.0, 4, rng=np.random.default_rng(0)).shape
    (4,)
    """
    if kind not in KINDS:
        raise UnknownNameError("distributed noise", kind, KINDS)
    if kind == "skellam":
        return skellam(sigma**2, size, rng=rng)
    return discrete_gaussian(sigma, size, rng=rng)


def sum_distance(shares: int, *, sigma: float) -> float:
    """Return tau = 10 sum_{k<n} exp(-2 pi^2 sigma^2 k/(k+1)): n discrete Gaussians against one.

    Reference: arXiv:2102.06387, theorem 5.

    >>> round(sum_distance(100, sigma=0.5), 5)
    9.70116
    """
    if shares < 1 or sigma <= 0:
        raise ConfigError(f"{shares!r} shares of sigma {sigma!r}; allowed: at least 1, positive")
    return 10 * sum(exp(-2 * pi**2 * sigma**2 * k / (k + 1)) for k in range(1, shares))


def discrete_gaussian_rdp(
    order: float, *, shares: int, sigma: float, norm: float, dimension: int
) -> float:
    """Return the Renyi divergence of an integer sum under `shares` discrete Gaussians.

    Args:
        order: a, above 1.
        shares: n, noise shares in the sum.
        sigma: of each share.
        norm: D2, L2 bound of one client's integers; D1 <= D2 min(sqrt d, D2) as they are integers.
        dimension: d.

    Reference: arXiv:2102.06387, theorem 1.

    >>> round(discrete_gaussian_rdp(8, shares=100, sigma=2.0, norm=10, dimension=1024), 9)
    1.0
    """
    scale = sqrt(shares) * sigma
    two, one = norm / scale, norm * min(sqrt(dimension), norm) / scale
    tau = sum_distance(shares, sigma=sigma)
    return _near_gaussian_rdp(order, two=two, one=one, tau=tau, dimension=dimension)


def _near_gaussian_rdp(
    order: float, *, two: float, one: float, tau: float, dimension: int
) -> float:
    """Return the divergence for relative norms `two` and `one` and a distance tau per number."""
    return min(
        order / 2 * two**2 + tau * dimension,
        order / 2 * (two**2 + 2 * one * tau + tau**2 * dimension),
        order / 2 * (two + sqrt(dimension) * tau) ** 2,
    )


def skellam_rdp(order: float, *, norm: float, norm1: float, variance: float) -> float:
    """Return the Renyi divergence of an integer sum under Skellam noise.

    a D2^2/(2 mu) + min{((2a-1) D2^2 + 6 D1)/(4 mu^2), 3 D1/(2 mu)}.

    Args:
        order: a, above 1.
        norm: D2, L2 bound of one client's integers.
        norm1: D1, their L1 bound.
        variance: mu, of all noise together.

    Reference: arXiv:2110.04995, theorem 3.5.

    >>> skellam_rdp(8, norm=10, norm1=100, variance=400)
    1.00328125
    """
    if order <= 1 or variance <= 0:
        raise ConfigError(f"order {order!r}, variance {variance!r}; allowed: above 1, positive")
    extra = min(
        ((2 * order - 1) * norm**2 + 6 * norm1) / (4 * variance**2), 3 * norm1 / (2 * variance)
    )
    return order * norm**2 / (2 * variance) + extra


@dataclass(frozen=True, slots=True, kw_only=True)
class SumNoise:
    """The noise that hides one client's integers in every sum, whoever drops out.

    What n shares differ from one discrete Gaussian by grows with n and falls with their size: all
    clients and the smallest share bound it.

    Attributes:
        kind: one of KINDS.
        deviation: of the fewest shares together.
        share: standard deviation of the smallest share.
        shares: of all clients.
        norm: L2 bound of one client's integers, over all sums that they are spread on.
        dimension: d, of these integers.
    """

    kind: str
    deviation: float
    share: float
    shares: int
    norm: float
    dimension: int

    def __post_init__(self) -> None:
        if self.kind == "discrete_gaussian" and self.share < 0.5 and self.shares > 1:
            raise ConfigError(
                f"shares of {self.share:.3g} steps of noise; sums of discrete Gaussians are "
                "understood from 0.5 steps on: take more steps per clip"
            )

    @property
    def gap(self) -> float:
        """tau: the shares against one discrete Gaussian."""
        return sum_distance(self.shares, sigma=self.share)

    def rdp(self, order: float) -> float:
        """Return the Renyi divergence of one round."""
        norm1 = self.norm * min(sqrt(self.dimension), self.norm)
        if self.kind == "skellam":
            return skellam_rdp(order, norm=self.norm, norm1=norm1, variance=self.deviation**2)
        two, one = self.norm / self.deviation, norm1 / self.deviation
        return _near_gaussian_rdp(order, two=two, one=one, tau=self.gap, dimension=self.dimension)

    def price(self, *, rounds: int, delta: float, adjacency: Adjacency, dropouts: int = 0) -> Price:
        """Return what `rounds` sums guarantee; no amplification by sampling is claimed."""
        rdp = {float(order): rounds * self.rdp(order) for order in ORDERS}
        renyi = epsilon_from_rdp(rdp, delta=delta)
        epsilon, conversion = renyi, Conversion.RDP_ALONE
        if self.kind == "discrete_gaussian":
            by_losses = self._loss_epsilon(rounds, delta)
            epsilon, conversion = min(
                (by_losses, Conversion.PLD_DOMINATING), (renyi, Conversion.RDP)
            )
        guarantee = Guarantee(
            epsilon=epsilon,
            delta=delta,
            adjacency=adjacency,
            conversion=conversion,
            rounds=rounds,
            sampling="no amplification",
            dropouts=dropouts,
        )
        return Price(guarantee, renyi)

    def _loss_epsilon(self, rounds: int, delta: float) -> float:
        """Return epsilon by loss distributions; infinity if the noise is too narrow for them."""
        found = dominating_gaussian(
            deviation=self.deviation,
            norm=self.norm,
            dimension=self.dimension,
            rounds=rounds,
            sum_gap=self.gap,
        )
        return found.epsilon(rounds=rounds, delta=delta) if found else inf


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributedNoise:
    """What each client does before it masks.

    Attributes:
        kind: "discrete_gaussian" or "skellam".
        clip: S, norm of one update.
        dimension: d.
        clients: that share their noise.
        dropouts: of them, at most so many may be missing; their noise is not counted.
        granularity: size of one integer step.
        sigma: standard deviation of one client's noise, in steps.
        beta: bound on the probability that a rounding is repeated.

    >>> noise = DistributedNoise(clip=1.0, dimension=64, clients=20, dropouts=5,
    ...                          granularity=0.01, sigma=30.0)
    >>> print(noise.guarantee(rounds=1, delta=1e-5))  # doctest: +ELLIPSIS
    (...1e-05)-DP for 1 rounds; add or remove one client; ...; up to 5 noise shares missing
    """

    kind: str = "discrete_gaussian"
    clip: float
    dimension: int
    clients: int
    dropouts: int = 0
    granularity: float
    sigma: float
    beta: float = exp(-0.5)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownNameError("distributed noise", self.kind, KINDS)
        for name in ("clip", "granularity", "sigma"):
            if not 0 < getattr(self, name) < inf:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: positive")
        if not 0 <= self.dropouts < self.clients:
            raise ConfigError(
                f"{self.dropouts!r} dropouts of {self.clients!r} clients; allowed: less than all, "
                "for somebody's noise must arrive"
            )
        rounded_norm(0.0, self.dimension, beta=self.beta)

    @property
    def norm(self) -> float:
        """L2 bound of one client's integers before noise, in steps."""
        return rounded_norm(self.clip / self.granularity, self.dimension, beta=self.beta)

    def perturb(self, update: ArrayLike, *, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the integers that a client masks: clipped, rounded within the norm, noisy."""
        scaled = clip_to_norm(update, self.clip) / self.granularity
        most = self.norm if self.beta else inf
        noise = integer_noise(self.kind, self.sigma, self.dimension, rng=rng)
        return round_within(scaled, most, rng=rng) + noise

    def values(self, total: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sum of updates that an integer sum stands for."""
        return total.astype(np.float64) * self.granularity

    def modulus_bits(self, *, deviations: float = 8.0) -> int:
        """Return a modulus in which the sum does not wrap but with negligible probability.

        Wrapping costs accuracy, never privacy.

        Args:
            deviations: of the total noise that must fit, on top of the largest sum.
        """
        most = self.clients * self.norm + deviations * sqrt(self.clients) * self.sigma
        return int(2 * most + 1).bit_length()

    @property
    def sum_noise(self) -> SumNoise:
        """What hides one client if as many drop out as may."""
        return SumNoise(
            kind=self.kind,
            deviation=sqrt(self.clients - self.dropouts) * self.sigma,
            share=self.sigma,
            shares=self.clients,
            norm=self.norm,
            dimension=self.dimension,
        )

    def guarantee(self, *, rounds: int, delta: float) -> Guarantee:
        """Return what `rounds` sums guarantee; no amplification by sampling is claimed.

        Raises:
            MissingExtraError: dp-accounting is not installed; Skellam noise does without.
        """
        return self.sum_noise.price(
            rounds=rounds, delta=delta, adjacency=Adjacency.ADD_OR_REMOVE, dropouts=self.dropouts
        ).guarantee
