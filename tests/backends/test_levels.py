"""One amplitude per cost gives what one per state gives, and goes on where those do not fit."""

import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.problems import densest_subgraph, draw
from qfl.simulators.objectives import Cvar
from qfl.solvers import qaoa_distribution, qaoa_expectation, solve
from qfl.testing import check_backend


def one_edge(n, choose):
    weights = np.zeros((n, n))
    weights[0, 1] = weights[1, 0] = 1.0
    return densest_subgraph(weights=weights, choose=choose)


def test_it_keeps_the_promises_of_the_port():
    check_backend(get_backend("levels"))
    check_backend(get_backend("levels", precision="single"), tolerance=1e-5)


@pytest.mark.parametrize("objective", [None, Cvar(0.3)])
def test_values_gradients_and_distributions_are_those_of_the_subspace(objective):
    problem = draw("densest_subgraph", seed=1, nodes=9, choose=4)
    ansatz = QaoaAnsatz(
        0.0, problem.qubo.linear, problem.qubo.quadratic, "grover", 3, problem.constraint.blocks(9)
    )
    angles = np.random.default_rng(0).normal(size=(4, 2, 3))
    ours, reference = (get_backend(name).compile(ansatz) for name in ("levels", "subspace"))
    for one, two in zip(
        *(each.value_and_gradient(angles, objective=objective) for each in (ours, reference)),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, atol=1e-11)
    for one, two in zip(*(each.distribution(angles[0]) for each in (ours, reference)), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-13)
    costs, mass = ours.level_distribution(angles[0])
    assert len(costs) < 7
    assert mass @ costs == pytest.approx(float(reference.expectation(angles[0])), abs=1e-12)


def test_forty_nodes_choosing_twenty_where_the_subspace_refuses():
    problem = one_edge(40, 20)
    with pytest.raises(CapacityError, match="try backend 'levels' if few costs differ"):
        solve(problem, "qaoa", seed=0, shots=5, mixer="grover")
    decision = solve(problem, "qaoa", seed=0, shots=40, mixer="grover", backend="levels", depth=3)
    assert decision.feasible
    assert decision.energy == -1.0
    share = 19 / 78  # of the subsets that hold both nodes
    angles = [0.4, 0.9], [1.3, -0.6]
    found = qaoa_expectation(problem, *angles, mixer="grover", backend="levels")
    overlap, marked, rest = 1.0, np.sqrt(share), np.sqrt(1 - share)
    state = np.array([marked, rest], dtype=complex)
    start = state.copy()
    for gamma, beta in zip(*angles, strict=True):
        state = state * np.array([np.exp(1j * gamma), overlap])
        state += (np.exp(-1j * beta) - 1) * (start @ state) * start
    assert found == pytest.approx(-(abs(state[0]) ** 2), abs=1e-12)


def test_no_number_of_states_is_too_large():
    value = qaoa_expectation(one_edge(1100, 550), [0.0], [0.0], mixer="grover", backend="levels")
    assert value == pytest.approx(-550 * 549 / (1100 * 1099), abs=1e-12)


def test_a_path_of_a_hundred_nodes_is_cut_without_a_constraint():
    problem = draw("maxcut", seed=0, nodes=100, degree=2)
    decision = solve(
        problem,
        "qaoa",
        seed=0,
        shots=50,
        mixer="grover",
        backend="levels",
        depth=1,
        schedule="linear_ramp",
    )
    assert decision.energy < -50  # a uniform cut has 50 of the 100 edges in the mean


def test_what_it_cannot_run_is_refused():
    cost = (0.0, np.ones(4), np.zeros((4, 4)))
    blocks = ((tuple(range(4)), 2),)
    with pytest.raises(BackendError, match="got mixer 'xy_ring' from the uniform start"):
        get_backend("levels").compile(QaoaAnsatz(*cost, "xy_ring", 1, blocks))
    warm = QaoaAnsatz(*cost, "grover", 1, blocks, np.ones(6) / np.sqrt(6))
    with pytest.raises(BackendError, match="from a warm start"):
        get_backend("levels").compile(warm)
    with pytest.raises(ConfigError, match="limit must be a whole number >= 1, got 0"):
        get_backend("levels", limit=0)
    with pytest.raises(CapacityError, match="ask for level_distribution, or sample"):
        qaoa_distribution(one_edge(40, 20), [], [], mixer="grover", backend="levels")
