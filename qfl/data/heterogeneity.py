"""How unequal a realised partition is: stated with every run, because alpha alone does not say.

Total variation is 1/2 sum |p_i - p| against the pooled labels (the "EMD" of Zhao et al. 2018,
arXiv:1806.00582, is twice that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Means over clients, except the Gini coefficient of their sizes.

    Attributes:
        total_variation, hellinger: distance of a client's labels from the pooled labels, 0..1.
        size_gini: 0 if all clients hold equally many samples.
        classes_per_client: distinct labels a client holds.
    """

    total_variation: float
    hellinger: float
    size_gini: float
    classes_per_client: float


def label_heterogeneity(
    labels: NDArray[np.int64], parts: Sequence[NDArray[np.intp]]
) -> Heterogeneity:
    """Return the realised heterogeneity of `labels` divided into `parts`."""
    classes = int(labels.max()) + 1
    return heterogeneity_of(
        np.array([np.bincount(labels[part], minlength=classes) for part in parts])
    )


def heterogeneity_of(counts: NDArray[np.int64]) -> Heterogeneity:
    """Return the heterogeneity of clients with so many samples of each class.

    Args:
        counts: (n_clients, classes).

    >>> heterogeneity_of(np.array([[5, 0], [0, 5]])).total_variation
    0.5
    """
    table = counts.astype(float)
    own = table / table.sum(1, keepdims=True)
    pooled = table.sum(0) / table.sum()
    overlap = np.sqrt(own * pooled).sum(1)
    return Heterogeneity(
        total_variation=float(np.abs(own - pooled).sum(1).mean() / 2),
        hellinger=float(np.sqrt(np.clip(1.0 - overlap, 0.0, None)).mean()),
        size_gini=gini(table.sum(1)),
        classes_per_client=float((table > 0).sum(1).mean()),
    )


def gini(values: NDArray[np.float64]) -> float:
    """Return sum_ij |x_i - x_j| / (2 n^2 mean).

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 1.0]))
    (0.0, 0.5)
    """
    n = len(values)
    differences = 2 * (np.sort(values) * (2 * np.arange(n) - n + 1)).sum()
    return float(differences / (2 * len(values) ** 2 * values.mean()))


def target_heterogeneity(target: NDArray[np.float64], parts: Sequence[NDArray[np.intp]]) -> float:
    """Return the mean Wasserstein-1 distance of a client's targets from the pooled ones, in the
    unit of the target.

    >>> target_heterogeneity(np.array([0.0, 1.0]), [np.array([0]), np.array([1])])
    0.5
    """
    pooled = np.sort(np.concatenate([target[part] for part in parts]).astype(np.float64))
    return float(np.mean([_wasserstein(np.sort(target[part]), pooled) for part in parts]))


def _wasserstein(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Integral of the distance of two empirical distribution functions; both sorted."""
    places = np.sort(np.concatenate([one, other]))
    shares = [
        np.searchsorted(values, places[:-1], side="right") / len(values) for values in (one, other)
    ]
    return float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(places)))
