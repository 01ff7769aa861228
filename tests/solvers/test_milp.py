"""Branch and bound agrees with enumeration, bound included."""

import numpy as np
import pytest

from qfl.core.errors import CapacityError
from qfl.core.qubo import Qubo
from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from tests.solvers.conftest import dense


def test_milp_finds_the_optimum_with_proof(any_problem):
    decision = solve(any_problem, "milp", seed=0)
    optimum = spectrum(any_problem).optimum
    assert decision.feasible
    assert decision.energy == pytest.approx(optimum, abs=1e-6)
    assert decision.bound == pytest.approx(optimum, abs=1e-6)
    assert decision.bound <= decision.energy
    assert decision.proof == "milp"


def test_a_sixteen_client_selection_is_proven():
    problem = ClientSelection(clients=16, choose=4).draw(np.random.default_rng(3))
    decision = solve(problem, "milp", seed=0)
    assert decision.energy == pytest.approx(spectrum(problem).optimum, abs=1e-6)
    assert decision.diagnostics["gap"] == pytest.approx(0.0, abs=1e-6)
    assert decision.bill.evaluations == 0 < decision.diagnostics["nodes"]


def test_a_linear_objective_needs_no_products(any_problem):
    n = any_problem.n
    linear = type(any_problem)(
        "linear",
        Qubo(0.0, np.arange(n) - 2.5, np.zeros((n, n))),
        any_problem.constraint,
        any_problem.names,
    )
    decision = solve(linear, "milp", seed=0)
    assert decision.diagnostics["products"] == 0.0
    assert decision.energy == pytest.approx(spectrum(linear).optimum, abs=1e-9)


def test_running_out_of_time_says_so():
    problem = ClientSelection(clients=40, choose=12).draw(np.random.default_rng(0))
    with pytest.raises(CapacityError, match="time_limit_seconds"):
        solve(problem, "milp", seed=0, time_limit_seconds=1e-6)


def test_time_left_over_gap_is_reported():
    """A run that stops early still returns a valid bound below its decision."""
    from qfl.core.constraints import Unconstrained

    problem = dense(Unconstrained(), 30)
    decision = solve(problem, "milp", seed=0, time_limit_seconds=0.5)
    assert decision.bound <= decision.energy
    assert decision.diagnostics["gap"] >= 0
