"""QAOA values that need no state: MaxCut at depth one, and mixers in their own eigenbasis.

Oracles for the engines, exact at any size. Signs are the project's: the phase is exp(-i gamma H)
with H = -cut, the mixer exp(-i beta M).
"""

from __future__ import annotations

from math import atan, comb, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.simulators.combinations import unrank
from qfl.simulators.ladder import eigenvalues
from qfl.simulators.memory import require


def depth_one_cut(weights: ArrayLike, *, gamma: float, beta: float) -> float:
    """Return the expected cut weight of QAOA at depth one, for a graph of any size.

    Args:
        weights: (n, n) float, symmetric; the diagonal is not used.
        gamma, beta: radians; towards the maximum gamma > 0 and beta < 0 (weights > 0).

    Reference:
        Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998, theorem 1; with weights Ozaeta,
        van Dam, McMahon, arXiv:2012.03421.

    >>> round(depth_one_cut([[0, 1], [1, 0]], gamma=np.pi / 2, beta=-np.pi / 8), 12)
    1.0
    """
    matrix = np.asarray(weights, dtype=np.float64) * (1.0 - np.eye(len(np.asarray(weights))))
    phases = gamma * matrix
    total = 0.0
    for u, v in np.argwhere(np.triu(matrix)):
        others = np.arange(len(matrix)) != u
        others[v] = False
        one, two = phases[u, others], phases[v, others]
        single = np.cos(one).prod() + np.cos(two).prod()
        double = np.cos(one + two).prod() - np.cos(one - two).prod()
        correlation = np.sin(4 * beta) / 2 * np.sin(phases[u, v]) * single
        correlation -= np.sin(2 * beta) ** 2 / 2 * double
        total += matrix[u, v] * (1.0 - correlation) / 2
    return float(total)


def regular_depth_one_cut(degree: int) -> tuple[float, NDArray[np.float64]]:
    """Return the best cut fraction at depth one on triangle-free regular graphs, and its angles.

    The angles have shape (2, 1) and are those for H = -cut.

    Reference: Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998 (corollary of theorem 1).

    >>> round(regular_depth_one_cut(3)[0], 10)
    0.6924500897
    """
    if degree < 1:
        raise ConfigError(f"a regular graph with edges needs degree >= 1, got {degree}")
    best = 0.5 + 0.5 / sqrt(degree) * ((degree - 1) / degree) ** ((degree - 1) / 2)
    gamma = pi / 2 if degree == 1 else atan(1 / sqrt(degree - 1))
    return best, np.array([[gamma], [-pi / 8]])


def complete_spectrum(n: int, k: int) -> list[tuple[int, int]]:
    """Return (eigenvalue, multiplicity) of the complete XY mixer on weight k, largest first.

    These are those of the Johnson graph J(n, k).

    >>> complete_spectrum(6, 2)
    [(8, 1), (2, 5), (-2, 9)]
    """
    small = _checked(n, k)
    values = eigenvalues(n, small) - small
    return [
        (round(value), comb(n, level) - (comb(n, level - 1) if level else 0))
        for level, value in enumerate(values.tolist())
    ]


def ring_top(n: int, k: int) -> float:
    """Return the largest eigenvalue of the ring XY mixer on weight k.

    The Jordan-Wigner transform makes it free fermions, with momenta 2 pi m / n for odd k and half
    a step further for even k. A ring of two variables is one pair, as in `circuits.mixers`.

    Reference: Lieb, Schultz, Mattis, Ann. Phys. 16 (1961) 407, section 2.

    >>> round(ring_top(8, 3), 9)
    4.828427125
    """
    small = _checked(n, k)
    if n == 2:
        return float(small)
    momenta = 2 * pi / n * (np.arange(small) - (small - 1) / 2)
    return float(2 * np.cos(momenta).sum())


def ring_top_state(n: int, k: int) -> NDArray[np.float64]:
    """Return the top eigenvector of the ring XY mixer on weight k, (C(n, k),), all positive.

    The states ascend as the integers sum_i x_i 2^i, which is the order of the subspace engine. The
    amplitude is a Vandermonde determinant: the product of chords between occupied sites.

    >>> ring_top_state(4, 2).round(3).tolist()
    [0.354, 0.5, 0.354, 0.354, 0.5, 0.354]
    """
    small = _checked(n, k)
    states = comb(n, small)
    needed = states * (n + 8 * small + 24)  # rows, places of ones, and what a product reads
    require(needed, what=f"C({n}, {k}) = {states} states", advice="take a smaller k")
    subsets = unrank(n, small, np.arange(comb(n, small)))
    places = np.nonzero(subsets)[1].reshape(len(subsets), small)
    chord = 2 * np.sin(pi * np.arange(n) / n)
    product = np.full(len(places), n ** (-small / 2))
    for i in range(small):
        for j in range(i):
            product *= chord[places[:, i] - places[:, j]]
    return product if small == k else product[::-1].copy()


def ring_dicke_overlap(n: int, k: int) -> float:
    """Return |<Dicke|top>|^2 for the top eigenvector of the ring XY mixer: below 1, not aligned.

    >>> round(ring_dicke_overlap(8, 3), 10)
    0.8326324464
    """
    top = ring_top_state(n, k)
    return float(top.sum() ** 2 / len(top))


def _checked(n: int, k: int) -> int:
    """Return the weight of the smaller half, which has the same spectrum."""
    if not 0 <= k <= n:
        raise ConfigError(f"cannot choose {k} of {n}; k must lie in 0..{n}")
    return min(k, n - k)
