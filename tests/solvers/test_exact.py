"""Enumeration equals brute force over all bit strings, and knows the published optima."""

import itertools

import numpy as np
import pytest

from qfl.core.constraints import AtMost, Exactly, Unconstrained
from qfl.core.errors import CapacityError
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from tests.solvers.conftest import closed_form, dense


def test_the_spectrum_is_brute_force(any_problem):
    states = np.array(list(itertools.product((0, 1), repeat=any_problem.n)))
    energies = np.sort(any_problem.qubo.energy(states[any_problem.is_feasible(states)]))
    found = spectrum(any_problem)
    assert found.states == len(energies)
    assert found.optimum == pytest.approx(energies[0], abs=1e-12)
    assert found.worst == pytest.approx(energies[-1], abs=1e-12)
    assert found.mean == pytest.approx(energies.mean(), abs=1e-12)
    assert float(any_problem.qubo.energy(found.x)) == pytest.approx(found.optimum, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "k", "value", "selected", "gap"),
    [
        (10, 3, -2.3954795359170986, [0, 3, 7], 0.04250437118119432),
        (12, 4, -3.20373596505514, [0, 4, 8, 11], 0.08724121316420907),
    ],
)
def test_optima_of_the_closed_form_instances(n, k, value, selected, gap):
    """Source: enumeration of C(N, K) subsets, recomputed independently."""
    problem = closed_form(n, k)
    decision = solve(problem, "exact", seed=0)
    assert decision.energy == pytest.approx(value, abs=1e-9)
    assert np.flatnonzero(decision.x).tolist() == selected
    assert decision.diagnostics["gap"] == pytest.approx(gap, abs=1e-9)
    assert decision.bound == pytest.approx(decision.energy, abs=1e-12)
    assert decision.proof == "enumeration"


@pytest.mark.parametrize(
    ("constraint", "n"), [(Exactly(10), 40), (Unconstrained(), 40), (AtMost((1.0,) * 40, 2.0), 40)]
)
def test_too_many_states_are_refused_before_any_is_visited(constraint, n):
    with pytest.raises(CapacityError, match="use solver 'milp' or 'annealing'"):
        spectrum(dense(constraint, n))


def test_streaming_and_caching_agree(monkeypatch):
    problem = dense(Exactly(4), 12)
    cached = spectrum(problem)
    monkeypatch.setattr("qfl.solvers.exact._CACHED_BITS", 0)
    streamed = spectrum(problem)
    assert (cached.optimum, cached.gap, cached.states) == (
        streamed.optimum,
        streamed.gap,
        streamed.states,
    )
    assert np.array_equal(cached.x, streamed.x)
