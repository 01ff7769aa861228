"""Gaussian noise added by a trusted server or by every client for itself, and its exact price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.security.privacy.clipping import clip_to_norm
from qfl.security.privacy.guarantee import Adjacency, Conversion, Guarantee
from qfl.security.qkd.rates import falling_root

_MOST_SIGMA = 1e9
_MOST_EPSILON = 1e9


def gaussian_delta(epsilon: float, *, sigma: float, sensitivity: float = 1.0) -> float:
    """Return delta = Phi(D/2s - eps s/D) - e^eps Phi(-D/2s - eps s/D) of one Gaussian release.

    Reference: Balle and Wang, ICML 2018, theorem 8.

    >>> round(gaussian_delta(0.0, sigma=1.0), 6)
    0.382925
    """
    from scipy.special import log_ndtr

    if not (sigma > 0 and sensitivity > 0 and epsilon >= 0):
        raise ConfigError(
            f"sigma {sigma!r}, sensitivity {sensitivity!r}, epsilon {epsilon!r}; allowed: "
            "positive, epsilon not negative"
        )
    half, slope = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
    delta = exp(log_ndtr(half - slope)) - exp(min(0.0, epsilon + log_ndtr(-half - slope)))
    return min(1.0, max(0.0, delta))


def gaussian_epsilon(*, sigma: float, delta: float, sensitivity: float = 1.0) -> float:
    """Return the least epsilon of one Gaussian release, to the last float.

    >>> round(gaussian_epsilon(sigma=1.0, delta=1e-5), 6)
    4.377178
    """
    return _least(
        lambda epsilon: gaussian_delta(epsilon, sigma=sigma, sensitivity=sensitivity),
        delta,
        _MOST_EPSILON,
    )


def gaussian_sigma(*, epsilon: float, delta: float, sensitivity: float = 1.0) -> float:
    """Return the least noise for which one Gaussian release is (epsilon, delta)-private.

    >>> round(gaussian_sigma(epsilon=4.377178096, delta=1e-5), 6)
    1.0
    """
    scaled = _least(
        lambda s: gaussian_delta(epsilon, sigma=s) if s > 0 else 1.0, delta, _MOST_SIGMA
    )
    return scaled * sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralGaussian:
    """DP-FedAvg: a trusted server clips, adds and perturbs the sum.

    Attributes:
        clip: S, norm of one client's update.
        noise_multiplier: z; the noise on the sum has standard deviation z S.
        expected_clients: q N, by which the sum is divided whoever came: the number is public.

    Reference: McMahan, Ramage, Talwar, Zhang, ICLR 2018, algorithm 1.
    """

    clip: float
    noise_multiplier: float
    expected_clients: float

    def __post_init__(self) -> None:
        for name in ("clip", "noise_multiplier", "expected_clients"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: positive")

    @property
    def noise(self) -> float:
        """Standard deviation of every coordinate of the mean, z S / (q N)."""
        return self.noise_multiplier * self.clip / self.expected_clients

    def release(
        self, updates: Sequence[ArrayLike], *, dimension: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the noisy mean, also of no updates at all.

        >>> mechanism = CentralGaussian(clip=1.0, noise_multiplier=1.0, expected_clients=2)
        >>> mechanism.release([[3.0, 4.0]], dimension=2, rng=np.random.default_rng(0)).shape
        (2,)
        """
        total = np.zeros(dimension)
        for update in updates:
            total += clip_to_norm(update, self.clip)
        return total / self.expected_clients + rng.normal(0.0, self.noise, dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGaussian:
    """Every client perturbs its own update; nobody has to be trusted, and most signal is lost.

    Attributes:
        clip: S, norm of the update; two updates differ by at most 2 S.
        epsilon, delta: of one release.
    """

    clip: float
    epsilon: float
    delta: float

    @property
    def noise(self) -> float:
        """Standard deviation of every coordinate."""
        sensitivity = 2 * self.clip
        return gaussian_sigma(epsilon=self.epsilon, delta=self.delta, sensitivity=sensitivity)

    def privatise(self, update: ArrayLike, *, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what the client sends.

        >>> sent = LocalGaussian(clip=1.0, epsilon=8.0, delta=1e-5).privatise(
        ...     [0.5, 0.5], rng=np.random.default_rng(0))
        >>> sent.shape
        (2,)
        """
        clipped = clip_to_norm(update, self.clip)
        return clipped + rng.normal(0.0, self.noise, clipped.shape)

    def guarantee(self) -> Guarantee:
        """Return what one release guarantees."""
        return Guarantee(
            epsilon=self.epsilon,
            delta=self.delta,
            adjacency=Adjacency.REPLACE,
            conversion=Conversion.EXACT,
            rounds=1,
            sampling="every client perturbs its own update",
        )


def _least(delta_of: Callable[[float], float], delta: float, most: float) -> float:
    """Return the least argument at which a falling function is at most `delta`."""
    if not 0 < delta < 1:
        raise ConfigError(f"delta is {delta!r}; allowed: between 0 and 1")
    return falling_root(lambda x: delta_of(x) - delta, 0.0, most)
