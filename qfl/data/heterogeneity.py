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
    pooled = _Pooled.of(np.concatenate([target[part] for part in parts]))
    return float(np.mean([pooled.distance(target[part]) for part in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """The empirical distribution function F of pooled numbers.

    Attributes:
        numbers: (N,) sorted.
        areas: (N,) the integral of F up to each.
    """

    numbers: NDArray[np.float64]
    areas: NDArray[np.float64]

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> _Pooled:
        """Return the function of these numbers."""
        found = np.sort(numbers.astype(np.float64))
        steps = np.diff(found) * np.arange(1, len(found)) / len(found)
        return cls(found, np.concatenate([[0.0], steps.cumsum()]))

    def distance(self, own: NDArray[np.float64]) -> float:
        """Return the integral of |F_own - F|, for some of the numbers.

        Between two of its own numbers F_own is level, and F is below it up to one place and above
        it from there on: a client costs nothing for what others hold.
        """
        n, pooled = len(own), len(self.numbers)
        first, last = self.numbers[[0, -1]]
        edges = np.concatenate([[first], np.sort(own), [last]])
        rank = np.arange(n + 1)
        crossing = self.numbers[np.maximum(-(-rank * pooled // n) - 1, 0)]
        turn = np.clip(crossing, edges[:-1], edges[1:])
        level, area, at_turn = rank / n, self.area(edges), self.area(turn)
        below = level * (turn - edges[:-1]) - (at_turn - area[:-1])
        above = (area[1:] - at_turn) - level * (edges[1:] - turn)
        return float((below + above).sum())

    def area(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the integral of F up to each place, none of which lies before the first number."""
        passed = np.searchsorted(self.numbers, places, side="right")
        rest = places - self.numbers[passed - 1]
        return self.areas[passed - 1] + rest * passed / len(self.numbers)
