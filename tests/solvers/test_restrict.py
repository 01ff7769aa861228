"""A smaller problem has the energies of the larger one, and lifting goes back."""

import itertools

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot, Unconstrained
from qfl.core.errors import ProblemError
from qfl.solvers.restrict import restrict, tie
from tests.solvers.conftest import CONSTRAINTS, dense

FREE = {
    "exactly": [0, 2, 5, 6],
    "exactly_none": [1, 2],
    "exactly_all": [0, 3],
    "one_hot": [0, 1, 2, 3, 4],
    "exactly_each": [0, 2, 3, 6],
    "limited_each": [0, 1, 4],
    "at_most": [1, 3, 5],
    "limited": [2, 3, 4, 5],
    "budgeted": [0, 1, 4, 6],
    "unconstrained": [0, 5],
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_energy_and_feasibility_survive_the_restriction(name):
    constraint, n = CONSTRAINTS[name]
    problem, free = dense(constraint, n), np.array(FREE[name])
    x = constraint.sample(n, 1, np.random.default_rng(0))[0]
    reduced = restrict(problem, free, x)
    for y in itertools.product((0, 1), repeat=len(free)):
        y = np.array(y, np.uint8)
        lifted = reduced.lift(y)
        assert np.array_equal(lifted[free], y)
        assert np.array_equal(np.delete(lifted, free), np.delete(x, free))
        assert float(reduced.problem.qubo.energy(y)) == pytest.approx(
            float(problem.qubo.energy(lifted)), abs=1e-12
        )
        assert reduced.problem.is_feasible(y) == problem.is_feasible(lifted)


@pytest.mark.parametrize("equal", [True, False])
def test_a_tied_variable_follows(equal):
    problem = dense(Unconstrained(), 5)
    reduced = tie(problem, 3, 1, equal=equal)
    for y in itertools.product((0, 1), repeat=4):
        x = reduced.lift(np.array(y, np.uint8))
        assert (x[1] == x[3]) == equal
        assert float(reduced.problem.qubo.energy(y)) == pytest.approx(
            float(problem.qubo.energy(x)), abs=1e-12
        )


def test_what_a_constraint_cannot_keep_is_refused():
    with pytest.raises(ProblemError, match="fix single variables"):
        tie(dense(Exactly(2), 4), 0, 1, equal=True)
    groups = dense(OneHot(((0, 1), (2, 3))), 4)
    with pytest.raises(ProblemError, match="free whole groups"):
        restrict(groups, np.array([0, 2, 3]), np.array([0, 1, 1, 0], np.uint8))


def test_a_constraint_of_ones_own_cannot_be_restricted_by_guessing():
    class Odd:
        def __getattr__(self, name):
            return getattr(Exactly(2), name)

    with pytest.raises(ProblemError, match="Odd cannot be fixed one by one; allowed: Exactly"):
        restrict(dense(Odd(), 4), np.array([0, 1]), np.array([1, 0, 1, 0], np.uint8))
