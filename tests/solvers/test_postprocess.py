"""Filtering, repairing and descending: what each does, and that none of it is hidden."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot
from qfl.core.counts import Counts
from qfl.core.errors import ProblemError, UnknownNameError
from qfl.solvers.moves import moved, moves
from qfl.solvers.postprocess import one_swap, pick, repair
from tests.solvers.conftest import dense


def test_the_best_feasible_sample_is_picked():
    problem = dense(Exactly(2), 5)
    samples = problem.constraint.sample(5, 30, np.random.default_rng(0))
    found = pick(problem, Counts.of(samples))
    assert float(problem.qubo.energy(found.x)) == problem.qubo.energy(samples).min()
    assert found.diagnostics["kept_fraction"] == 1.0
    assert found.evaluations == len(np.unique(samples, axis=0))


def test_infeasible_samples_are_dropped_while_a_feasible_one_exists():
    problem = dense(Exactly(1), 3)
    found = pick(problem, Counts.of([[1, 1, 1], [0, 1, 0], [0, 0, 0]], [5, 1, 4]))
    assert found.x.tolist() == [0, 1, 0]
    assert found.diagnostics["kept_fraction"] == pytest.approx(0.1)
    assert found.diagnostics["repaired"] == 0.0


def test_what_the_samples_were_worth_counts_those_that_a_backend_dropped():
    problem = dense(Exactly(1), 3)
    counts = Counts.of([[1, 1, 1], [0, 1, 0], [1, 0, 0]], [5, 1, 4])
    energies = problem.qubo.energy(counts.states)
    seen = pick(problem, counts, asked=20).diagnostics
    inside = counts.states.sum(1) == 1
    assert seen["kept_fraction"] == pytest.approx(5 / 20)
    assert seen["sample_mean"] == pytest.approx(energies @ counts.shots / 10)
    assert seen["feasible_mean"] == pytest.approx(energies[inside] @ counts.shots[inside] / 5)
    best = counts.shots[inside][np.argmin(energies[inside])]
    assert seen["best_share"] == pytest.approx(best / 20)
    assert "feasible_mean" not in pick(problem, Counts.of([[1, 1, 1]])).diagnostics


def test_only_when_none_is_feasible_the_nearest_sample_is_repaired():
    problem = dense(Exactly(1), 3)
    found = pick(problem, Counts.of([[1, 1, 1], [0, 0, 0]]))
    assert problem.is_feasible(found.x)
    assert found.diagnostics["kept_fraction"] == 0.0
    assert found.diagnostics["repaired"] == 1.0
    assert found.x.tolist() == repair(problem, np.zeros(3, np.uint8)).x.tolist()
    assert found.evaluations == repair(problem, np.zeros(3, np.uint8)).evaluations


@pytest.mark.parametrize("constraint", [Exactly(3), OneHot(((0, 1, 2), (3, 4), (5, 6, 7)))])
def test_repair_reaches_the_feasible_set_from_anywhere(constraint):
    problem = dense(constraint, 8)
    for x in np.random.default_rng(1).integers(0, 2, size=(50, 8), dtype=np.uint8):
        assert problem.is_feasible(repair(problem, x).x)


def test_repair_leaves_a_feasible_state_alone(any_problem):
    x = any_problem.constraint.sample(any_problem.n, 1, np.random.default_rng(0))[0]
    found = repair(any_problem, x)
    assert np.array_equal(found.x, x)
    assert found.evaluations == 0


def test_one_swap_ends_where_no_move_helps(any_problem):
    start = any_problem.constraint.sample(any_problem.n, 1, np.random.default_rng(2))[0]
    found = one_swap(any_problem, start)
    energy = any_problem.qubo.energy(found.x)
    assert any_problem.is_feasible(found.x)
    assert energy <= any_problem.qubo.energy(start) + 1e-12
    after = moved(found.x, *moves(any_problem, found.x))
    assert (any_problem.qubo.energy(after) >= energy - 1e-9).all()


def test_descending_is_named_and_billed():
    problem = dense(Exactly(3), 8)
    counts = Counts.of(problem.constraint.sample(8, 1, np.random.default_rng(4)))
    plain, descended = pick(problem, counts), pick(problem, counts, postprocess="one_swap")
    assert descended.diagnostics["postprocess"] == "one_swap"
    assert descended.diagnostics["energy_before_postprocess"] == problem.qubo.energy(plain.x)
    assert descended.evaluations > plain.evaluations


def test_bad_input():
    problem = dense(Exactly(3), 8)
    with pytest.raises(ProblemError, match="at least one shot"):
        pick(problem, Counts.zero(8))
    with pytest.raises(UnknownNameError, match="did you mean 'one_swap'"):
        pick(problem, Counts.of([[1, 1, 1, 0, 0, 0, 0, 0]]), postprocess="oneswap")
