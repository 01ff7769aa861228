"""The relaxation bounds every feasible energy from below, and its rounding is feasible."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from qfl.solvers.relaxation import relax


def test_the_bound_is_below_the_optimum(any_problem):
    decision = solve(any_problem, "relaxation", seed=0)
    assert decision.proof == "bound"
    assert decision.bound <= spectrum(any_problem).optimum + 1e-9
    assert decision.bound <= decision.energy


@pytest.mark.property
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_the_bound_holds_on_random_selections_and_tightens(seed, n):
    problem = ClientSelection(clients=n, choose=n // 2).draw(np.random.default_rng(seed))
    optimum = spectrum(problem).optimum
    bounds = [relax(problem, iterations=steps)[1] for steps in (1, 10, 100)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= optimum + 1e-9


def test_iterations_are_the_budget():
    problem = ClientSelection(clients=16, choose=4).draw(np.random.default_rng(0))
    assert solve(problem, "relaxation", seed=0, iterations=7).bill.evaluations <= 7
