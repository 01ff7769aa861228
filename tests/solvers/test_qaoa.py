"""QAOA as a solver: decides from its samples, bills what it used, and knows its place."""

import json

import numpy as np
import pytest

from qfl.core.constraints import Exactly, ExactlyEach, OneHot, Unconstrained
from qfl.core.errors import (
    BackendError,
    CapacityError,
    ConfigError,
    ProblemError,
    UnknownNameError,
)
from qfl.problems import draw
from qfl.problems.load import closed_form_selection
from qfl.problems.selection import ClientSelection
from qfl.problems.slots import AggregationSchedule
from qfl.solvers import qaoa_distribution, solve
from qfl.solvers.exact import spectrum
from qfl.solvers.qaoa import Qaoa
from qfl.solvers.quality import cvar
from qfl.testing.solvers import check_solver
from tests.solvers.conftest import dense


def test_it_keeps_the_promises_of_the_port():
    """Where the mixer can keep the constraint."""
    groups = OneHot(((0, 3, 4), (1, 2), (5, 6, 7)))
    product = ExactlyEach((((0, 3, 4, 7), 2), ((1, 2, 5, 6), 1)))
    problems = [closed_form_selection(7, 3), dense(groups, 8), dense(product, 8)]
    check_solver(Qaoa(shots=8, depth=2), problems)


def test_the_transverse_mixer_solves_penalised_and_free_problems():
    solver = Qaoa(shots=200, depth=2, mixer="x", backend="statevector")
    check_solver(solver, [closed_form_selection(6, 2), dense(Unconstrained(), 6)])


def test_the_decision_is_the_best_feasible_sample_and_not_the_optimum():
    """One shot at the uniform state cannot know the optimum: most of 40 seeds miss it."""
    problem = closed_form_selection(10, 3)
    options = {"shots": 1, "schedule": "linear_ramp", "schedule_options": {"delta_gamma": 1e-9}}
    optimum = spectrum(problem).optimum
    hits = [solve(problem, "qaoa", seed=s, **options).energy == optimum for s in range(40)]
    assert sum(hits) < 5  # P(hit) = 1/120 each: five or more by chance 2e-5


def test_diagnostics_are_those_of_the_distribution():
    problem = closed_form_selection(10, 3)
    options = {"delta_gamma": 0.8, "delta_beta": 0.3, "unit": "none"}
    decision = solve(
        problem,
        "qaoa",
        seed=0,
        shots=24,
        depth=4,
        schedule="linear_ramp",
        schedule_options=options,
    )
    seen = decision.diagnostics
    assert seen["expectation"] == pytest.approx(-1.6637017327793435, abs=1e-9)
    assert seen["optimum_probability"] == pytest.approx(0.04576014784076727, abs=1e-9)
    assert seen["in_constraint_probability"] == pytest.approx(1.0, abs=1e-12)
    assert seen["kept_fraction"] == 1.0
    assert seen["schedule"] == "linear_ramp"
    assert decision.bound is None
    assert decision.proof is None


def test_a_penalty_run_records_the_rule_and_the_lost_samples():
    decision = solve(
        closed_form_selection(8, 3), "qaoa", seed=1, shots=100, mixer="x", backend="statevector"
    )
    seen = decision.diagnostics
    assert seen["penalty_rule"] == "largest_flip"
    assert seen["penalty_weight"] > 0
    assert 0 < seen["in_constraint_probability"] < 1
    # 100 shots: |kept - p| below 5 standard errors, false alarm 6e-7
    spread = np.sqrt(0.25 / 100)
    assert abs(seen["kept_fraction"] - seen["in_constraint_probability"]) < 5 * spread


def test_training_is_on_the_bill_and_within_its_budget():
    problem = ClientSelection(clients=10, choose=3).draw(np.random.default_rng(0))
    ramp = solve(problem, "qaoa", seed=0, shots=24, schedule="linear_ramp")
    trained = solve(problem, "qaoa", seed=0, shots=24, schedule_options={"evaluations": 11})
    distinct = 24
    assert ramp.bill.evaluations <= distinct
    assert 11 <= trained.bill.evaluations <= 11 + distinct
    assert trained.bill.shots == ramp.bill.shots == 24
    assert trained.bill.qubits == 10
    assert trained.bill.two_qubit_gates > 0
    assert trained.bill.depth > 0


def test_deeper_training_lowers_the_mean():
    problem = ClientSelection(clients=10, choose=3).draw(np.random.default_rng(1))
    means = [
        solve(problem, "qaoa", seed=0, shots=1, depth=p).diagnostics["expectation"]
        for p in (1, 2, 4)
    ]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(
    "training", [{}, {"optimiser": "spsa", "shots_per_evaluation": 1000, "evaluations": 200}]
)
def test_training_for_the_tail_lowers_the_tail(training):
    """Against training for the mean, on an instance where the two disagree."""
    problem = ClientSelection(clients=10, choose=3).draw(np.random.default_rng(3))
    tails = []
    for objective, options in (("mean", {}), ("cvar", {"alpha": 0.4})):
        decision = solve(
            problem,
            "qaoa",
            seed=0,
            shots=1,
            depth=1,
            objective=objective,
            objective_options=options,
            schedule_options={"evaluations": 60, "start": "linear_ramp", **training},
        )
        states, mass = qaoa_distribution(problem, *json.loads(decision.diagnostics["angles"]))
        tails.append(cvar(problem.qubo.energy(states), mass, 0.4))
    assert tails[1] < tails[0]


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        ("linear_ramp", {}),
        ("transfer", {}),
        ("interp", {"evaluations": 40}),
        ("fourier", {"evaluations": 40}),
        ("fourier", {"evaluations": 40, "frequencies": 2}),
        ("trained", {"evaluations": 30}),
        ("trained", {"evaluations": 30, "start": "linear_ramp"}),
        ("trained", {"evaluations": 60, "optimiser": "cobyla"}),
        ("trained", {"evaluations": 60, "optimiser": "spsa"}),
        ("trained", {"evaluations": 60, "optimiser": "spsa", "shots_per_evaluation": 200}),
        ("trained", {"evaluations": 60, "optimiser": "cobyla", "shots_per_evaluation": 200}),
    ],
)
def test_every_schedule_beats_the_uniform_state(schedule, options):
    problem = ClientSelection(clients=9, choose=3).draw(np.random.default_rng(2))
    decision = solve(
        problem, "qaoa", seed=0, shots=4, depth=3, schedule=schedule, schedule_options=options
    )
    found = spectrum(problem)
    ratio = (found.worst - decision.diagnostics["expectation"]) / (found.worst - found.optimum)
    uniform = (found.worst - found.mean) / (found.worst - found.optimum)
    assert ratio > uniform + 0.5 * (1 - uniform)
    assert decision.bill.evaluations <= options.get("evaluations", 0) + 4


def test_pure_noise_is_filtered_then_repaired_and_says_so():
    """With every gate ruined the samples are uniform bit strings: 120 of 1024 are feasible."""
    problem = closed_form_selection(10, 3)
    options = {"backend": "noise:depolarising", "backend_options": {"two_qubit_error": 1.0}}
    floor, repaired = 120 / 1024, []
    for seed in range(20):
        decision = solve(
            problem, "qaoa", seed=seed, shots=3, depth=1, schedule="transfer", **options
        )
        seen = decision.diagnostics
        assert decision.feasible
        assert seen["in_constraint_probability"] == pytest.approx(floor, abs=1e-12)
        assert (seen["kept_fraction"] == 0.0) == (seen["repaired"] == 1.0)
        repaired.append(seen["repaired"])
    assert 0 < np.mean(repaired) < 1  # each 0.69: all or none by chance below 1e-3


def test_one_hot_schedules_are_decided_within_their_groups():
    problem = AggregationSchedule(clients=4, slots=3).draw(np.random.default_rng(0))
    decision = solve(problem, "qaoa", seed=0, shots=24, depth=2)
    assert decision.feasible
    assert decision.diagnostics["in_constraint_probability"] == pytest.approx(1.0, abs=1e-12)


def test_options_resolve_so_that_a_cell_can_hold_them():
    solver = Qaoa(shots=24, schedule_options={"evaluations": 5})
    assert solver.schedule_options == {
        "evaluations": 5,
        "optimiser": "lbfgs",
        "shots_per_evaluation": 0,
        "start": "transfer",
    }


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigError, "needs shots"),
        ({"shots": 0}, ConfigError, "shots"),
        ({"shots": 4, "depth": 0}, ConfigError, "depth"),
        ({"shots": 4, "mixer": "xy"}, UnknownNameError, "mixer"),
        ({"shots": 4, "schedule": "train"}, UnknownNameError, "did you mean 'trained'"),
        ({"shots": 4, "schedule_options": {"evals": 3}}, ConfigError, "evaluations"),
        ({"shots": 4, "backend": "subspce"}, UnknownNameError, "did you mean 'subspace'"),
        ({"shots": 4, "mixer": "x"}, BackendError, "does not run mixer 'x'"),
        ({"shots": 4, "objective": "median"}, UnknownNameError, "cvar, gibbs, mean"),
        ({"shots": 4, "objective": "cvar"}, ConfigError, "needs alpha"),
        ({"shots": 4, "penalty": "flip", "mixer": "x"}, UnknownNameError, "largest_flip"),
        ({"shots": 4, "penalty": -1.0, "mixer": "x"}, ConfigError, "positive"),
        ({"shots": 4, "schedule": "fixed_angle"}, ConfigError, "use 'transfer'"),
    ],
)
def test_bad_options_are_one_clear_error(options, error, message):
    with pytest.raises(error, match=message):
        solve(closed_form_selection(6, 2), "qaoa", seed=0, **options)


def test_a_free_problem_under_an_xy_mixer_is_refused():
    with pytest.raises(ProblemError, match="use mixer 'x'"):
        solve(dense(Unconstrained(), 5), "qaoa", seed=0, shots=4)


def test_the_record_says_where_the_bill_counts_another_circuit():
    problem = closed_form_selection(7, 3)
    options = {"seed": 0, "shots": 4, "depth": 1, "schedule": "transfer"}
    counted = solve(problem, "qaoa", **options).diagnostics["circuit"]
    assert counted == "counted with one Trotter step of the mixer"
    assert "circuit" not in solve(problem, "qaoa", mixer="xy_ring", **options).diagnostics


def test_what_does_not_fit_is_refused_before_angles_are_chosen(monkeypatch):
    monkeypatch.setattr("qfl.solvers.schedules.units.move_scale", lambda *_: pytest.fail("early"))
    problem = dense(Exactly(100), 200)
    with pytest.raises(CapacityError, match="or solver 'decompose'"):
        solve(problem, "qaoa", seed=0, shots=8)


def test_the_solver_that_a_refusal_names_solves_the_instance():
    problem = draw("client_selection", seed=0, clients=60, choose=20)
    with pytest.raises(CapacityError, match="or solver 'decompose'"):
        solve(problem, "rqaoa", seed=0, shots=8)
    options = {"shots": 8, "depth": 1, "schedule": "linear_ramp"}
    decision = solve(problem, "decompose", seed=0, block=8, inner_options=options, max_sweeps=1)
    assert decision.feasible
