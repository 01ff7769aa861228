"""How alike two representations of the same samples are: linear centred kernel alignment, in numpy.

What is compared are Gram matrices, so that representations may have different widths. The biased
estimate is what the formula says of column-centred features; for few samples it is far above zero
even for independent ones (0.67 for 64 numbers of 32 samples). The unbiased one is not.

Reference: Kornblith, Norouzi, Lee, Hinton 2019, arXiv:1905.00414, eqs. 3 and 4; Song, Smola,
Gretton, Bedo, Borgwardt 2012, JMLR 13, eq. 5 (HSIC_1, the unbiased estimate).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

Estimator = Literal["unbiased", "biased"]

_FEWEST = 4


def cka(x: ArrayLike, y: ArrayLike, *, estimator: Estimator = "unbiased") -> float:
    """Return the alignment of two representations, dimensionless: 1 if one is the other rotated,
    shifted and scaled; biased it lies in 0..1, unbiased it is about 0 for independent ones and may
    be below. 0 if one of them does not vary at all.

    Args:
        x: (n, p) features of n samples.
        y: (n, q) features of the same samples.
        estimator: of the covariance of Gram matrices (HSIC).

    Raises:
        ConfigError: the samples differ in number, are fewer than 4, or hold NaN or infinity.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(cka(x, 2 * x[:, ::-1] + 1), 12)
    1.0
    """
    return float(similarities([x, y], estimator=estimator)[0, 1])


def similarities(
    features: Sequence[ArrayLike], *, estimator: Estimator = "unbiased"
) -> NDArray[np.float64]:
    """Return the (k, k) alignments of k representations of the same samples, symmetric, 1 on the
    diagonal; see `cka`."""
    arrays = [np.asarray(each, dtype=np.float64) for each in features]
    counts = {len(array) for array in arrays}
    if len(counts) != 1 or min(counts) < _FEWEST:
        raise ConfigError(
            f"representations of {sorted(counts)} samples; they must be of the same samples, "
            f"and of at least {_FEWEST}"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise ConfigError("a representation holds NaN or infinity and cannot be compared")
    prepared = [_centred(array @ array.T, estimator) for array in map(_moved, arrays)]
    alignment = np.array([[float((one * other).sum()) for other in prepared] for one in prepared])
    spread = np.sqrt(np.diag(alignment))
    scale = np.outer(spread, spread)
    found = np.divide(alignment, scale, out=np.zeros_like(scale), where=scale > 0)
    np.fill_diagonal(found, 1.0)
    return found


def centrality(similar: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how central each of k is, relative to the most central one, in 0..1: the mean of its
    similarities to the others. Estimates below zero count as zero; if nothing is similar to
    anything, all are as central.

    Args:
        similar: (k, k) symmetric.

    >>> centrality(np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])).tolist()
    [1.0, 0.5, 0.5]
    """
    means = []
    for place, row in enumerate(similar):
        others = [max(float(value), 0.0) for other, value in enumerate(row) if other != place]
        means.append(math.fsum(others) / max(1, len(others)))
    largest = max(means)
    return np.array(means) / largest if largest > 0 else np.ones(len(means))


def _moved(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Column-centred, and of about unit size so that squares of squares stay in range."""
    centred = features.reshape(len(features), -1) - features.reshape(len(features), -1).mean(0)
    size = np.abs(centred).max(initial=0.0)
    return centred / size if size > 0 else centred


def _centred(gram: NDArray[np.float64], estimator: Estimator) -> NDArray[np.float64]:
    """Return the Gram matrix such that the sum of products with another one is their HSIC.

    Unbiased: the U-centred matrix, whose inner products are HSIC_1 up to a factor (Szekely, Rizzo
    2014, Annals of Statistics 42, eq. 2.3).
    """
    if estimator == "biased":
        return gram  # features are centred, so the Gram matrix is
    n = len(gram)
    off = gram - np.diag(np.diag(gram))
    rows = off.sum(1) / (n - 2)
    total = off.sum() / ((n - 1) * (n - 2))
    found = off - rows[:, None] - rows[None, :] + total
    np.fill_diagonal(found, 0.0)
    return found
