"""Closed-form means and move scales equal averages over every feasible state and move."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot, Unconstrained
from qfl.solvers.moves import moved, moves
from qfl.solvers.scale import feasible_mean, move_scale
from tests.solvers.conftest import closed_form, dense

CASES = [
    (Exactly(1), 5),
    (Exactly(2), 5),
    (Exactly(3), 7),
    (Exactly(6), 7),
    (OneHot(((0, 3, 4), (1, 2), (5,))), 6),
    (OneHot(((0, 1), (2, 3))), 4),
    (Unconstrained(), 5),
]


@pytest.mark.parametrize(("constraint", "n"), CASES)
def test_the_mean_is_the_average_over_feasible_states(constraint, n):
    problem = dense(constraint, n)
    states = np.concatenate(list(constraint.enumerate(n)))
    assert feasible_mean(problem) == pytest.approx(problem.qubo.energy(states).mean(), abs=1e-12)


@pytest.mark.parametrize(("constraint", "n"), CASES)
def test_the_scale_is_the_root_mean_square_over_all_moves(constraint, n):
    problem = dense(constraint, n)
    changes = []
    for x in np.concatenate(list(constraint.enumerate(n))):
        after = moved(x, *moves(problem, x))
        changes.append(problem.qubo.energy(after) - problem.qubo.energy(x))
    expected = np.sqrt(np.mean(np.concatenate(changes) ** 2))
    assert move_scale(problem.qubo, constraint.blocks(n)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [0, 4])
def test_nothing_to_move_has_scale_one(k):
    problem = dense(Exactly(k), 4)
    assert move_scale(problem.qubo, problem.constraint.blocks(4)) == 1.0


def test_a_flat_objective_has_scale_one():
    assert move_scale(dense(Exactly(2), 4).qubo.scaled(0.0), ()) == 1.0


@pytest.mark.golden
def test_random_feasible_mean_of_the_closed_form_instances():
    """Source: Dicke moments K/N and K(K-1)/(N(N-1)); status: recomputed."""
    assert feasible_mean(closed_form(10, 3)) == pytest.approx(-1.030896249368878, abs=1e-9)
    assert feasible_mean(closed_form(6, 2)) == pytest.approx(-0.9422087386775014, abs=1e-9)
    assert feasible_mean(closed_form(12, 4)) == pytest.approx(-1.215683074808046, abs=1e-9)
