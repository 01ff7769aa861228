"""Greedy construction, with and without descent, and the top-K baseline."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems import client_selection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum


def trap():
    """Greedy takes client 0 first, the best pair is 1 and 2."""
    redundancy = np.zeros((3, 3))
    redundancy[0, 1:] = redundancy[1:, 0] = 5.0
    return client_selection(utility=[3.0, 2.5, 2.5], redundancy=redundancy, choose=2)


def test_greedy_falls_into_the_trap_and_descent_gets_out():
    problem = trap()
    plain = solve(problem, "greedy", seed=0)
    descended = solve(problem, "greedy", seed=0, postprocess="one_swap")
    assert plain.x[0] == 1
    assert descended.x.tolist() == [0, 1, 1]
    assert descended.energy == spectrum(problem).optimum
    assert descended.diagnostics["energy_before_postprocess"] == plain.energy


def test_without_redundancy_greedy_is_exact():
    rng = np.random.default_rng(0)
    problem = Problem(
        "linear", Qubo(0.0, rng.normal(size=9), np.zeros((9, 9))), Exactly(4), tuple("abcdefghi")
    )
    optimum = spectrum(problem).optimum
    assert solve(problem, "greedy", seed=0).energy == pytest.approx(optimum, abs=1e-12)


def test_marginals_are_counted():
    """Three candidates, then two."""
    assert solve(trap(), "greedy", seed=0).bill.evaluations == 5
