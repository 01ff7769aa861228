"""The cut fraction on infinite trees against the published recursion, finite graphs and itself."""

import itertools

import networkx
import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError
from qfl.core.rng import Streams
from qfl.problems import maxcut
from qfl.simulators import infinite_tree
from qfl.simulators.infinite_tree import cut_fraction, cut_fraction_and_gradient
from qfl.simulators.tree_angles import best_cut_angles
from qfl.solvers import qaoa_expectation


def recursion(angles, degree):
    """Return the cut fraction by arXiv:2110.14206: sums over all 2^(2p+1) strings."""
    gammas, betas = angles[0] * np.sqrt(degree - 1) / 2, -angles[1]
    p, branches = len(gammas), degree - 1
    a = np.array(list(itertools.product([1, -1], repeat=2 * p + 1)))
    gamma = np.concatenate([gammas, [0.0], -gammas[::-1]])
    f = np.full(len(a), 0.5, dtype=complex)
    for r in range(p):
        for one, other, sign in ((r, r + 1, 1j), (2 * p - r, 2 * p - r - 1, -1j)):
            same = a[:, one] == a[:, other]
            f *= np.where(same, np.cos(betas[r]), sign * np.sin(betas[r]))
    phases = (a * gamma) @ a.T / np.sqrt(branches)
    h = np.ones(len(a), dtype=complex)
    for _ in range(p):
        h = (np.cos(phases) @ (f * h)) ** branches
    g = a[:, p] * f * h
    nu = 1j * np.sqrt(branches) / 2 * (g @ np.sin(phases) @ g)
    return 0.5 + nu.real / np.sqrt(branches)


@pytest.mark.parametrize(("degree", "depth"), [(2, 1), (3, 1), (3, 3), (4, 2), (5, 3), (8, 2)])
def test_values_are_those_of_the_published_recursion(degree, depth):
    rng = Streams(degree)("angles", depth)
    angles = rng.normal(size=(2, depth))
    assert cut_fraction(angles, degree=degree) == pytest.approx(
        recursion(angles, degree), abs=1e-12
    )


@pytest.mark.parametrize("depth", [1, 2])
def test_a_graph_of_girth_six_does_not_see_its_cycles(depth):
    heawood = networkx.to_numpy_array(networkx.heawood_graph())
    angles = Streams(3)("angles").normal(size=(2, depth))
    cut = -qaoa_expectation(maxcut(weights=heawood), *angles, mixer="x", backend="statevector")
    assert cut_fraction(angles, degree=3) == pytest.approx(cut / 21, abs=1e-12)


@pytest.mark.parametrize("depth", [2, 5, 8])
def test_tensor_trains_without_cuts_are_exact(depth, monkeypatch):
    angles = best_cut_angles(degree=3, depth=depth)
    exact, gradient = cut_fraction_and_gradient(angles, degree=3)
    monkeypatch.setattr(infinite_tree, "EXACT_DEPTH", 0)
    value, slope = cut_fraction_and_gradient(angles, degree=3, bond=64)
    assert value == pytest.approx(exact, abs=1e-11)
    assert slope == pytest.approx(gradient, abs=1e-8 if depth < 8 else 1e-5)


def test_what_the_trains_cut_off_costs_little(monkeypatch):
    angles = best_cut_angles(degree=3, depth=9)
    exact = cut_fraction(angles, degree=3)
    monkeypatch.setattr(infinite_tree, "EXACT_DEPTH", 0)
    assert cut_fraction(angles, degree=3, bond=24) == pytest.approx(exact, abs=1e-5)
    assert cut_fraction(angles, degree=3, bond=48) == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_gradients_are_central_differences(degree):
    angles, step = Streams(1)("angles").normal(size=(2, 3)), 1e-6
    _, gradient = cut_fraction_and_gradient(angles, degree=degree)
    for place in np.ndindex(2, 3):
        shift = np.zeros((2, 3))
        shift[place] = step
        upper, lower = (cut_fraction(angles + s * shift, degree=degree) for s in (1, -1))
        assert gradient[place] == pytest.approx((upper - lower) / (2 * step), abs=1e-8)


def test_bad_input_is_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"shape \(2, depth\)"):
        cut_fraction([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], degree=3)
    with pytest.raises(ConfigError, match="finite"):
        cut_fraction([[np.nan], [0.3]], degree=3)
    with pytest.raises(ConfigError, match="degree >= 2, got 1"):
        cut_fraction([[0.1], [0.3]], degree=1)
    with pytest.raises(ConfigError, match="at least 1"):
        best_cut_angles(degree=3, depth=0)
    with pytest.raises(CapacityError, match="depth 40 on the 4-regular tree"):
        best_cut_angles(degree=4, depth=40)
    with pytest.raises(CapacityError, match="depth 20 on a tree needs"):
        cut_fraction(np.full((2, 20), 0.1), degree=4)
    with pytest.raises(ConfigError, match="multiple of pi"):
        cut_fraction(np.zeros((2, 14)), degree=3)
