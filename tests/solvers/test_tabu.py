"""Tabu search keeps its budget and escapes local minima."""

import pytest

from qfl.core.constraints import Exactly
from qfl.core.rng import Streams
from qfl.solvers import solve
from qfl.solvers.postprocess import one_swap
from tests.solvers.conftest import closed_form, dense


@pytest.mark.parametrize("evaluations", [1, 24, 33, 500])
def test_the_budget_is_kept_exactly(evaluations):
    decision = solve(closed_form(12, 4), "tabu", seed=1, evaluations=evaluations)
    assert decision.bill.evaluations == evaluations


def test_it_leaves_a_local_minimum_that_stops_descent():
    """Its first steps are the descent itself, so on a rugged instance it can only gain."""
    problem, gains = dense(Exactly(5), 12, seed=4), []
    for seed in range(10):
        start = problem.constraint.sample(12, 1, Streams(seed)("shots"))[0]
        local = float(problem.qubo.energy(one_swap(problem, start).x))
        gains.append(local - solve(problem, "tabu", seed=seed, evaluations=2000).energy)
    assert min(gains) >= -1e-9
    assert max(gains) > 1e-3
