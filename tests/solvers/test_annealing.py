"""Annealing keeps to its budget and gets better with it."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot
from qfl.solvers import solve
from qfl.solvers.annealing import anneal
from tests.solvers.conftest import closed_form, dense


@pytest.mark.parametrize("evaluations", [1, 2, 24, 100])
def test_the_budget_is_kept_exactly(evaluations):
    decision = solve(closed_form(12, 4), "annealing", seed=1, evaluations=evaluations)
    assert decision.bill.evaluations == evaluations


def test_postprocessing_is_on_top_and_on_the_bill():
    decision = solve(closed_form(12, 4), "annealing", seed=1, evaluations=5, postprocess="one_swap")
    assert decision.bill.evaluations > 5


def test_a_long_run_finds_the_optimum():
    """Ten of ten starts on a 495-state instance; 2,000 proposals visit it many times over."""
    problem = closed_form(12, 4)
    energies = [solve(problem, "annealing", seed=s, evaluations=2000).energy for s in range(10)]
    assert max(energies) == pytest.approx(-3.20373596505514, abs=1e-9)


@pytest.mark.parametrize(("constraint", "n"), [(Exactly(3), 9), (OneHot(((0, 1), (2, 3, 4))), 5)])
def test_a_longer_run_on_the_same_stream_never_returns_worse(constraint, n):
    """The proposals of a short run are a prefix of those of a long one."""
    problem = dense(constraint, n)
    best = [anneal(problem, np.full(s, 0.5), np.random.default_rng(3)) for s in range(60)]
    assert (np.diff(problem.qubo.energy(np.array(best))) <= 1e-12).all()
    assert problem.is_feasible(np.array(best)).all()
