"""The best by their own coefficients: exact where nothing is redundant, and blind to what is."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot, Unconstrained
from qfl.core.errors import UnknownNameError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.solvers.exact import spectrum
from qfl.solvers.top_k import TopK, lowest
from tests.solvers.conftest import dense

RNG = np.random.default_rng(0)


def linear(constraint, n, seed=0):
    prices = np.random.default_rng(seed).normal(size=n)
    qubo = Qubo(0.0, prices, np.zeros((n, n)))
    return Problem("linear", qubo, constraint, tuple(f"v{i}" for i in range(n)))


@pytest.mark.parametrize(
    ("constraint", "n"),
    [(Exactly(4), 9), (OneHot(((0, 3, 4), (1, 2), (5, 6, 7))), 8), (Unconstrained(), 6)],
)
def test_without_redundancy_it_is_exact(constraint, n):
    problem = linear(constraint, n)
    found = TopK().solve(problem, rng=RNG)
    assert found.energy == pytest.approx(spectrum(problem).optimum, abs=1e-12)


def test_redundancy_is_ignored():
    """Two that are best alone and worth nothing together are taken all the same."""
    quadratic = np.zeros((3, 3))
    quadratic[0, 1] = 9.0
    qubo = Qubo(0.0, np.array([-3.0, -2.0, -1.0]), quadratic)
    problem = Problem("trap", qubo, Exactly(2), ("a", "b", "c"))
    assert TopK().solve(problem, rng=RNG).x.tolist() == [1, 1, 0]


def test_every_constraint_is_met(any_problem):
    assert any_problem.is_feasible(TopK().solve(any_problem, rng=RNG).x)


def test_of_equal_prices_the_first_are_taken():
    assert lowest(linear(Exactly(2), 4), np.zeros(4)).tolist() == [1, 1, 0, 0]


def test_a_descent_that_nobody_knows_is_refused():
    with pytest.raises(UnknownNameError, match="one_swap"):
        TopK(postprocess="two_swap")
    descended = TopK(postprocess="one_swap").solve(dense(Exactly(3), 8), rng=RNG)
    assert descended.energy <= TopK().solve(dense(Exactly(3), 8), rng=RNG).energy
