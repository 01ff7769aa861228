"""Every row of the table keeps the promises of the port."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.solvers import SOLVERS, solve
from qfl.solvers.exact import spectrum
from tests.solvers.conftest import closed_form

BUDGETS = {
    "random": {},
    "random_best": {"shots": 24},
    "greedy": {},
    "annealing": {"evaluations": 24},
    "top_k": {},
    "tabu": {"evaluations": 200},
    "relaxation": {},
    "exact": {},
    "milp": {},
    "threshold": {"shots": 24},
    "dwave": {"reads": 24},
    "decompose": {"block": 4, "inner": "exact", "start": "random"},
}


CIRCUITS = {
    "qaoa",
    "qaoa_mean",
    "warm_start",
    "rqaoa",
    "multi_angle",
}  # take what their mixer keeps; their own files check


def test_every_solver_is_covered_here():
    assert set(BUDGETS) | CIRCUITS == set(SOLVERS.rows)


INSTALLED = [name for name in BUDGETS if SOLVERS.rows[name].installed]


@pytest.mark.parametrize("name", INSTALLED)
def test_decisions_recompute_and_stay_between_the_extremes(name, any_problem):
    decision = solve(any_problem, name, seed=5, **BUDGETS[name])
    found = spectrum(any_problem)
    assert decision.solver == name
    assert decision.problem_hash == any_problem.hash
    assert decision.energy == pytest.approx(float(any_problem.qubo.energy(decision.x)), abs=1e-12)
    assert decision.feasible
    assert any_problem.is_feasible(decision.x)
    assert found.optimum - 1e-9 <= decision.energy <= found.worst + 1e-9


@pytest.mark.parametrize("name", INSTALLED)
def test_the_same_seed_repeats_the_decision(name):
    problem = closed_form(10, 3)
    one, two = (solve(problem, name, seed=9, **BUDGETS[name]) for _ in range(2))
    assert np.array_equal(one.x, two.x)
    assert one.diagnostics == two.diagnostics
    assert one.bill.evaluations == two.bill.evaluations


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("qaoa", {"shots": 4, "schedule_options": {"evaluations": 7}}),
        ("rqaoa", {"shots": 4, "qaoa": {"depth": 2}}),
        ("warm_start", {"shots": 4}),
        ("decompose", {"inner": "annealing", "inner_options": {"evaluations": 9}}),
    ],
)
def test_nested_options_resolve_and_come_back_from_json(name, options):
    """So that the identity of a cell holds every default, and rebuilds the same solver."""
    solver = SOLVERS.configure(name, options)
    fields = asdict(solver)
    assert SOLVERS.configure(name, json.loads(json.dumps(fields))) == solver
    nested = [value for value in fields.values() if isinstance(value, dict)]
    assert max(len(value) for value in nested) > 2


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("qoaa", {}, UnknownNameError, "unknown solver 'qoaa'"),
        ("random_best", {}, ConfigError, "needs shots"),
        ("random_best", {"shots": 0}, ConfigError, "shots must be a whole number >= 1, got 0"),
        ("random_best", {"shots": 2.5}, ConfigError, "2.5"),
        ("qaoa", {"shots": 4, "penalty": -1}, ConfigError, "penalty must be .* got -1"),
        ("qaoa", {"shots": 4, "penalty": "x"}, UnknownNameError, "largest_flip"),
        ("multi_angle", {"shots": 4, "penalty": 0.0}, ConfigError, "penalty must be .* got 0.0"),
        ("annealing", {"evaluation": 5}, ConfigError, "did you mean 'evaluations'"),
        ("annealing", {"evaluations": 5, "start_temperature": -1}, ConfigError, "positive"),
        ("greedy", {"postprocess": "two_swap"}, UnknownNameError, "one_swap"),
        ("warm_start", {"shots": 4, "qaoa": {"shots": 9}}, ConfigError, "'warm_start' itself"),
        ("rqaoa", {"shots": 4, "qaoa": {"depht": 9}}, ConfigError, "did you mean 'depth'"),
        ("milp", {"time_limit_seconds": float("nan")}, ConfigError, "positive"),
    ],
)
def test_bad_options_are_one_clear_error(name, options, error, message):
    with pytest.raises(error, match=message):
        solve(closed_form(6, 2), name, seed=0, **options)


def test_what_is_no_problem_is_refused():
    with pytest.raises(ConfigError, match=r"solve needs a Problem, .* got 3"):
        solve(3, "exact", seed=0)


def test_budgets_may_be_whole_numbers_of_numpy():
    decision = solve(closed_form(6, 2), "random_best", seed=0, shots=np.int64(8))
    assert decision.bill.shots == 8
