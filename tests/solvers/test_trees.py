"""Values on the infinite tree, against the literature and against a ring by brute force."""

import itertools
import math

import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError, ProblemError
from qfl.solvers.edge_formulas import regular_cut_fraction
from qfl.solvers.schedules.tables import fixed_angles
from qfl.solvers.trees import tree_cut_fraction, tree_optimum


@pytest.mark.golden
@pytest.mark.parametrize(
    ("degree", "depth", "expected"),
    [
        (3, 1, 0.6924500869245633),
        (3, 2, 0.7559064144559327),
        (3, 3, 0.7923983075273268),
        (3, 5, 0.8363805772368879),
        (3, 7, 0.8597813663406156),
        (4, 3, 0.7485644608900092),
        (5, 4, 0.7385536167862548),
        (6, 3, 0.6993189200338316),
        (7, 2, 0.6589235906146651),
    ],
)
def test_fixed_angles_give_the_tree_value(degree, depth, expected):
    """Angles: Wurtz and Lykov, arXiv:2107.00677; values: iteration of arXiv:2110.14206."""
    gammas, betas = fixed_angles(degree, depth)
    assert tree_cut_fraction(gammas, betas, degree=degree) == pytest.approx(expected, abs=1e-8)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("depth", "expected"), [(2, 0.7559064585), (3, 0.7923984288), (5, 0.8363808251)]
)
def test_the_best_values_on_the_three_regular_tree(depth, expected):
    """arXiv:2503.12789 (parameter file)."""
    value, angles = tree_optimum(3, depth)
    assert value == pytest.approx(expected, abs=1e-9)
    assert tree_cut_fraction(*angles, degree=3) == pytest.approx(value, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("degree", "expected"), [(2, 0.75), (3, 0.6924500897298753), (4, 0.6623797632095823)]
)
def test_the_depth_one_optimum_of_triangle_free_regular_graphs(degree, expected):
    """Wang et al., arXiv:1706.02998."""
    assert regular_cut_fraction(degree) == pytest.approx(expected, abs=1e-12)
    angle = math.atan(1 / math.sqrt(degree - 1))
    reached = tree_cut_fraction([angle], [-math.pi / 8], degree=degree)
    assert reached == pytest.approx(expected, abs=1e-12)


def test_a_tree_of_degree_two_is_a_long_ring():
    """Depth 2 on a ring of seven, by brute force over the state vector."""
    gammas, betas = [0.655871, 1.242861], [-0.62143, -0.327935]
    n = 7
    z = np.array([[1 - 2 * bit for bit in x] for x in itertools.product((0, 1), repeat=n)])
    cut = (1 - z * np.roll(z, 1, axis=1)).sum(1) / 2
    state = np.full(2**n, 2 ** (-n / 2), dtype=complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = (state * np.exp(1j * gamma * cut)).reshape((2,) * n)
        turn = np.array([[np.cos(beta), -1j * np.sin(beta)], [-1j * np.sin(beta), np.cos(beta)]])
        for axis in range(n):
            state = np.moveaxis(np.tensordot(turn, state, axes=(1, axis)), 0, axis)
        state = state.reshape(-1)
    expected = float(np.abs(state) ** 2 @ cut) / n
    assert tree_cut_fraction(gammas, betas, degree=2) == pytest.approx(expected, abs=1e-12)


def test_too_deep_and_malformed_angles_are_refused():
    with pytest.raises(CapacityError, match="got 14"):
        tree_cut_fraction([0.1] * 14, [-0.1] * 14, degree=3)
    with pytest.raises(CapacityError, match="got 11"):
        tree_optimum(3, 11)
    with pytest.raises(ProblemError, match="degree >= 2"):
        tree_cut_fraction([0.1], [-0.1], degree=1)
    with pytest.raises(ConfigError, match="one length"):
        tree_cut_fraction([0.1, 0.2], [-0.1], degree=3)
