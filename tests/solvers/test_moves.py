"""Moves: all feasible neighbours and no others, and what each changes without computing it anew."""

import numpy as np
import pytest

from qfl.core.constraints import Unconstrained
from qfl.solvers.moves import Slopes, moved, moves


def states(problem):
    return np.concatenate(list(problem.constraint.enumerate(problem.n)))


def test_every_move_leads_to_another_feasible_state_and_no_two_to_the_same(any_problem):
    for x in states(any_problem)[:12]:
        after = moved(x, *moves(any_problem, x))
        assert any_problem.is_feasible(after).all()
        assert len(np.unique(after, axis=0)) == len(after)
        assert (after != x).any(axis=1).all()


def test_no_feasible_neighbour_is_missing(any_problem):
    """By enumeration: states that differ in one variable, or, where a constraint ties variables
    together, in two with as many ones."""
    tied = not isinstance(any_problem.constraint, Unconstrained)
    everything = states(any_problem)
    for x in everything[:12]:
        apart = (everything != x).sum(1)
        swapped = (apart == 2) & (everything.sum(1) == x.sum()) & tied
        near = {tuple(row) for row in everything[(apart == 1) | swapped].tolist()}
        after = moved(x, *moves(any_problem, x))
        assert {tuple(row) for row in after.tolist()} == near


def test_a_move_changes_the_objective_by_what_its_slopes_say(any_problem):
    qubo, slopes = any_problem.qubo, Slopes.of(any_problem.qubo)
    for x in states(any_problem)[:12]:
        off, on = moves(any_problem, x)
        wanted = qubo.energy(moved(x, off, on)) - qubo.energy(x)
        assert slopes.change(slopes.at(x), off, on) == pytest.approx(wanted, abs=1e-12)
