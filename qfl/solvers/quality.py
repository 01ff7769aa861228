"""Figures of merit of decisions and of cost distributions, as the literature defines them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError
from qfl.simulators.objectives import Cvar


def approximation_ratio(energy: float, *, optimum: float, worst: float) -> float:
    """Return (worst - energy) / (worst - optimum): 1 at the optimum, 0 at the worst energy.

    An instance where everything costs the same has ratio 1.

    >>> approximation_ratio(-2.0, optimum=-3.0, worst=1.0)
    0.75
    """
    if worst < optimum:
        raise ConfigError(f"the worst energy {worst} lies below the optimum {optimum}")
    return 1.0 if worst == optimum else (worst - energy) / (worst - optimum)


def effective_ratio(ratio: float, *, random_ratio: float) -> float:
    """Return how much of the way from random to optimal was covered, floored at 0.

    Reference:
        Montanez-Barrera and Michielsen, arXiv:2405.09169.

    >>> round(effective_ratio(0.8, random_ratio=0.5), 12), effective_ratio(0.45, random_ratio=0.5)
    (0.6, 0.0)
    """
    if random_ratio >= 1.0:
        raise ConfigError(f"random_ratio must be below 1, got {random_ratio}")
    return max(0.0, (ratio - random_ratio) / (1.0 - random_ratio))


def time_to_solution(probability: float, seconds_per_run: float, *, target: float = 0.99) -> float:
    """Return seconds until one run succeeded with probability `target`, runs not rounded up.

    Infinite if a run never succeeds, 0 if it always does.

    >>> round(time_to_solution(0.5, 1.0), 6)
    6.643856
    """
    if not 0.0 <= probability <= 1.0 or not 0.0 < target < 1.0:
        raise ConfigError(
            f"probability must lie in 0..1 and target inside it, got {probability} and {target}"
        )
    if probability in (0.0, 1.0):
        return math.inf if probability == 0.0 else 0.0
    return seconds_per_run * math.log1p(-target) / math.log1p(-probability)


def cvar(values: ArrayLike, probabilities: ArrayLike, alpha: float) -> float:
    """Return the mean of the lowest `alpha` of the probability mass, the boundary weighted.

    Args:
        values: (m,) costs.
        probabilities: (m,) >= 0; counts work too, they are normalised.
        alpha: in (0, 1]; 1 gives the mean.

    Reference:
        Barkoutsos et al., arXiv:1907.04769, eq. 5.

    >>> round(cvar([-3, -1, 0, 2], [0.1, 0.2, 0.3, 0.4], 0.2), 12)
    -2.0
    """
    costs, mass = np.asarray(values, np.float64), np.asarray(probabilities, np.float64)
    if costs.shape != mass.shape or costs.ndim != 1 or (mass < 0).any() or not mass.sum() > 0:
        raise ConfigError("values and probabilities must be lists of one length, mass above 0")
    figure = Cvar(alpha).prepare(costs)
    return float(figure(mass[:, None] / mass.sum())[0][0])
