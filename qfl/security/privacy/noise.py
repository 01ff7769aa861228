"""Integer noise: discrete Gaussian and Skellam.

Acceptance probabilities are floats, so the discrete Gaussian is exact up to rounding, not in the
arithmetic sense of the reference; and the generator is the study's, not a secret one. Both are
right for experiments and wrong for a deployment.
"""

from __future__ import annotations

from math import exp, floor

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError


def discrete_gaussian(sigma: float, size: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `size` integers with probabilities proportional to exp(-x^2 / (2 sigma^2)).

    Reference: Canonne, Kamath, Steinke, NeurIPS 2020, algorithm 3.

    >>> discrete_gaussian(2.0, 5, rng=np.random.default_rng(0)).dtype
    dtype('int64')
    """
    if not 0 < sigma < float("inf"):
        raise ConfigError(f"sigma is {sigma!r}; allowed: positive and finite")
    scale = floor(sigma) + 1
    success = 1 - exp(-1 / scale)
    found = np.empty(0, np.int64)
    while len(found) < size:
        wanted = 2 * (size - len(found)) + 8
        proposed = rng.geometric(success, wanted) - rng.geometric(success, wanted)
        excess = (np.abs(proposed) - sigma**2 / scale) ** 2 / (2 * sigma**2)
        found = np.concatenate([found, proposed[rng.random(wanted) < np.exp(-excess)]])
    return found[:size]


def skellam(variance: float, size: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `size` differences of two Poisson variables of mean variance/2.

    >>> skellam(4.0, 3, rng=np.random.default_rng(0)).dtype
    dtype('int64')
    """
    if not 0 < variance < float("inf"):
        raise ConfigError(f"variance is {variance!r}; allowed: positive and finite")
    return rng.poisson(variance / 2, size) - rng.poisson(variance / 2, size)
