"""Depth-1 MaxCut in closed form, for H = -cut under the mixer "x"; angles as in circuits/qaoa.py.

Reference:
    Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998.
"""

from __future__ import annotations

import math

from qfl.core.errors import ProblemError


def edge_cut(gamma: float, beta: float, *, degrees: tuple[int, int], triangles: int) -> float:
    """Return the probability that depth-1 QAOA cuts an edge (theorem 1).

    Args:
        gamma, beta: radians.
        degrees: of the two ends, each at least 1.
        triangles: common neighbours of the two ends.

    >>> round(6 * edge_cut(0.6, -0.3, degrees=(3, 3), triangles=2), 9)  # K4
    3.660011322
    """
    d, e = degrees[0] - 1, degrees[1] - 1
    if min(d, e) < 0 or not 0 <= triangles <= min(d, e):
        raise ProblemError(
            f"an edge between degrees {degrees} lies in 0..{min(d, e)} triangles, got {triangles}"
        )
    g = -gamma
    one = math.sin(4 * beta) * math.sin(g) * (math.cos(g) ** d + math.cos(g) ** e) / 4
    both = math.sin(2 * beta) ** 2 * math.cos(g) ** (d + e - 2 * triangles)
    return 0.5 + one - both * (1 - math.cos(2 * g) ** triangles) / 4


def regular_cut_fraction(degree: int) -> float:
    """Return the best depth-1 cut fraction of a triangle-free regular graph (corollary 1).

    It is reached at gamma = arctan(1 / sqrt(degree - 1)), beta = -pi / 8.

    >>> round(regular_cut_fraction(3), 10)
    0.6924500897
    """
    if degree < 1:
        raise ProblemError(f"a regular graph with edges needs degree >= 1, got {degree}")
    return 0.5 + (1 - 1 / degree) ** ((degree - 1) / 2) / (2 * math.sqrt(degree))
