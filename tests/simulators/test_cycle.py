"""MaxCut on cycles: free fermions against the state vector, known optima and differences."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.problems import maxcut
from qfl.simulators.cycle import best_cycle_angles, cycle_cut, cycle_cut_and_gradient
from qfl.solvers import qaoa_expectation


@pytest.mark.parametrize("nodes", [3, 4, 5, 8, 11])
@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_values_are_those_of_the_state_vector(nodes, depth):
    angles = Streams(nodes)("angles", depth).normal(size=(2, depth))
    step = np.roll(np.eye(nodes), 1, axis=1)
    problem = maxcut(weights=step + step.T)
    cut = -qaoa_expectation(problem, *angles, mixer="x", backend="statevector")
    assert cycle_cut(angles, nodes=nodes) == pytest.approx(cut / nodes, abs=1e-12)


@pytest.mark.parametrize("nodes", [5, 6, 9])
def test_gradients_are_central_differences(nodes):
    angles, step = Streams(1)("angles").normal(size=(2, 3)), 1e-6
    _, gradient = cycle_cut_and_gradient(angles, nodes=nodes)
    for place in np.ndindex(2, 3):
        shift = np.zeros((2, 3))
        shift[place] = step
        upper, lower = (cycle_cut(angles + s * shift, nodes=nodes) for s in (1, -1))
        assert gradient[place] == pytest.approx((upper - lower) / (2 * step), abs=1e-8)


@pytest.mark.parametrize(("nodes", "depth"), [(4, 1), (9, 3), (22, 10), (1000, 3)])
def test_long_cycles_reach_the_known_optimum(nodes, depth):
    angles = best_cycle_angles(nodes=nodes, depth=depth)
    optimum = (2 * depth + 1) / (2 * depth + 2)
    assert cycle_cut(angles, nodes=nodes) == pytest.approx(optimum, abs=1e-12)


@pytest.mark.parametrize(("nodes", "depth"), [(4, 2), (6, 4), (5, 2), (7, 3)])
def test_short_cycles_are_cut_as_well_as_they_can_be(nodes, depth):
    angles = best_cycle_angles(nodes=nodes, depth=depth)
    best = (nodes - nodes % 2) / nodes
    assert cycle_cut(angles, nodes=nodes) == pytest.approx(best, abs=1e-12)


def test_bad_input_is_named():
    with pytest.raises(ConfigError, match="at least 3 nodes, got 2"):
        cycle_cut([[0.1], [0.1]], nodes=2)
    with pytest.raises(ConfigError, match=r"shape \(2, depth\)"):
        cycle_cut([0.1, 0.2], nodes=4)
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        best_cycle_angles(nodes=4, depth=0)
