"""Values in the limits of infinite size, against the literature and against small graphs."""

import itertools
import math

import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError
from qfl.solvers.schedules.tables import fixed_angles, transfer_angles
from qfl.solvers.trees import (
    edge_cut,
    regular_cut_fraction,
    spin_glass_energy,
    tree_cut_fraction,
)


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
    ("depth", "expected"), [(1, 0.303300), (2, 0.407545), (3, 0.472619), (5, 0.547644)]
)
def test_published_angles_give_the_published_spin_glass_energies(depth, expected):
    """Table of arXiv:2110.14206; the printed angles have four digits."""
    gammas, betas = transfer_angles("x", depth)
    assert spin_glass_energy(gammas, betas) == pytest.approx(expected, abs=1e-4)


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
    one_edge = edge_cut(angle, -math.pi / 8, degrees=(degree, degree), triangles=0)
    assert one_edge == pytest.approx(expected, abs=1e-12)


@pytest.mark.golden
def test_the_edge_formula_sums_to_the_cut_of_whole_graphs():
    """K4 and the Petersen graph; statevector values."""
    k4 = 6 * edge_cut(0.6, -0.3, degrees=(3, 3), triangles=2)
    petersen = 15 * edge_cut(0.4, -0.25, degrees=(3, 3), triangles=0)
    assert k4 == pytest.approx(3.660011321616393, abs=1e-10)
    assert petersen == pytest.approx(9.58494015666189, abs=1e-10)


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
    with pytest.raises(CapacityError, match="depth 13"):
        spin_glass_energy([0.1] * 13, [-0.1] * 13)
    with pytest.raises(CapacityError, match="degree >= 2"):
        tree_cut_fraction([0.1], [-0.1], degree=1)
    with pytest.raises(ConfigError, match="one length"):
        tree_cut_fraction([0.1, 0.2], [-0.1], degree=3)
    with pytest.raises(ConfigError, match="finite"):
        tree_cut_fraction([math.nan], [-0.1], degree=3)
