"""Eliminations keep the constraint and follow the samples."""

import numpy as np
import pytest

from qfl.core.constraints import AtMost, Exactly, ExactlyEach, OneHot, Unconstrained
from qfl.core.errors import ConfigError, ProblemError
from qfl.problems.graphs import MaxCut
from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from qfl.solvers.rqaoa import Rqaoa, eliminate
from qfl.testing.solvers import check_solver
from tests.solvers.conftest import dense

FAST = {"depth": 1, "schedule": "transfer"}
FREE = {**FAST, "mixer": "x", "backend": "statevector"}


def test_it_keeps_the_promises_of_the_port():
    groups = OneHot(((0, 3, 4), (1, 2), (5, 6, 7)))
    product = dense(ExactlyEach((((0, 3, 4, 7), 2), ((1, 2, 5, 6), 1))), 8)
    check_solver(Rqaoa(shots=50, qaoa=FAST), [dense(Exactly(3), 8), dense(groups, 8), product])
    check_solver(Rqaoa(shots=50, qaoa=FREE), [dense(Unconstrained(), 6)])


@pytest.mark.parametrize(
    ("constraint", "samples"),
    [
        (Exactly(1), [[1, 0, 0, 0]]),
        (Exactly(2), [[1, 1, 0, 0]]),
        (Exactly(3), [[1, 1, 1, 0]]),
        (OneHot(((0, 1), (2, 3))), [[1, 0, 0, 1]]),
        (ExactlyEach((((0, 1, 2), 2), ((3,), 0))), [[1, 0, 1, 0]]),
        (Unconstrained(), [[1, 1, 0, 0]]),
    ],
)
def test_one_elimination_agrees_with_samples_that_agree(constraint, samples):
    """If every sample is the same x, the smaller problem still contains it."""
    problem = dense(constraint, 4)
    reduced = eliminate(problem, np.array(samples * 20, np.uint8))
    assert reduced.problem.n < problem.n
    lifted = {
        tuple(reduced.lift(y).tolist())
        for y in np.concatenate([*reduced.problem.constraint.enumerate(reduced.problem.n)])
    }
    assert tuple(samples[0]) in lifted


def test_a_bipartite_maxcut_is_solved():
    """Correlations of depth-1 QAOA have the right signs on a bipartite graph."""
    problem = MaxCut(nodes=8, degree=2).draw(np.random.default_rng(0))
    decision = solve(problem, "rqaoa", seed=0, shots=2000, qaoa=FREE, cutoff=4)
    assert decision.energy == pytest.approx(spectrum(problem).optimum, abs=1e-9)


def test_small_problems_are_enumerated_at_once():
    problem = ClientSelection(clients=5, choose=2).draw(np.random.default_rng(0))
    decision = solve(problem, "rqaoa", seed=0, shots=10, qaoa=FAST)
    assert decision.diagnostics["eliminations"] == 0.0
    assert decision.energy == pytest.approx(spectrum(problem).optimum, abs=1e-12)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ProblemError, match="cannot keep AtMost"):
        solve(dense(AtMost((1.0,) * 6, 3.0), 6), "rqaoa", seed=0, shots=10)
    with pytest.raises(ConfigError, match="shots to 'rqaoa' itself"):
        Rqaoa(shots=10, qaoa={"shots": 5})
