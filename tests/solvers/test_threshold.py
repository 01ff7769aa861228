"""Grover amplification follows its closed form, and the adaptive search uses it honestly."""

import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError
from qfl.solvers import solve
from qfl.solvers.threshold import Threshold, marked_probability, reflections
from tests.solvers.conftest import closed_form


@pytest.mark.golden
@pytest.mark.parametrize(
    ("feasible", "marked", "expected"),
    [
        (56, 3, [0.4157252186588921, 0.8462447752424584, 0.9958820906854591, 0.7432477101132147]),
        (15, 1, [0.49807407407407395, 0.9313988477366255, 0.9352421018747142, 0.5057776634797542]),
    ],
)
def test_amplification(feasible, marked, expected):
    """Source: Grover recursion sin^2((2p+1) asin sqrt(t/M)); status: recomputed."""
    got = [marked_probability(feasible, marked, p) for p in range(1, 5)]
    np.testing.assert_allclose(got, expected, atol=1e-10)


@pytest.mark.parametrize("rotations", [0, 1, 3])
def test_amplification_is_the_two_level_dynamics(rotations):
    """Phase flip of the marked, then reflection about the uniform state, on a plain vector."""
    state = np.full(20, 20**-0.5)
    uniform = state.copy()
    for _ in range(rotations):
        state[:4] *= -1
        state = 2 * uniform * (uniform @ state) - state
    assert marked_probability(20, 4, rotations) == pytest.approx((state[:4] ** 2).sum(), abs=1e-12)


def test_a_long_search_finds_the_optimum():
    """Once the range of rotations is full, one measurement in four or more succeeds.

    Filling it takes at most 24 failures per improvement; 300 measurements leave over 100 at full
    range for the last one, so ten seeds all succeed but for a chance of 10 * 0.75^100 < 1e-11.
    """
    energies = [solve(closed_form(12, 4), "threshold", seed=s, shots=300).energy for s in range(10)]
    assert max(energies) == pytest.approx(-3.20373596505514, abs=1e-9)


def test_oracle_calls_are_on_the_bill():
    decision = solve(closed_form(12, 4), "threshold", seed=0, shots=10)
    assert decision.bill.shots == 10
    assert decision.bill.evaluations >= decision.diagnostics["oracle_calls"]


def test_the_circuit_on_the_bill_is_the_longest_one_without_its_oracle():
    problem = closed_form(12, 4)
    bill = solve(problem, "threshold", seed=0, shots=40).bill
    record = solve(problem, "threshold", seed=0, shots=40).diagnostics["circuit"]
    longest = int(record.split()[-4])
    assert record == f"without oracle and cost register; at most {longest} calls a shot"
    prepared, reflected = reflections(problem, 0), reflections(problem, 1)
    step = reflected.two_qubit_gates - prepared.two_qubit_gates
    assert prepared.two_qubit_gates > 0 < longest
    assert bill.two_qubit_gates == prepared.two_qubit_gates + longest * step
    assert bill.qubits == 12


def test_bad_input():
    with pytest.raises(ConfigError, match="4/3"):
        Threshold(shots=5, growth=2.0)
    with pytest.raises(ConfigError, match="marked"):
        marked_probability(5, 6, 1)
    with pytest.raises(CapacityError):
        solve(closed_form(12, 4), "threshold", seed=0, shots=5, max_states=10)
