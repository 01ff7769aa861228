"""A decision re-computes to its stated energy, and bills add."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.constraints import Exactly
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo

bills = st.builds(
    Bill,
    evaluations=st.integers(0, 99),
    shots=st.integers(0, 99),
    qubits=st.integers(0, 40),
    depth=st.integers(0, 99),
    two_qubit_gates=st.integers(0, 99),
)


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 10))
def test_the_stated_energy_and_feasibility_are_those_of_x(seed, n):
    rng = np.random.default_rng(seed)
    qubo = Qubo(1.5, rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
    problem = Problem("toy", qubo, Exactly(n // 2), tuple(f"v{i}" for i in range(n)))
    x = rng.integers(0, 2, size=n, dtype=np.uint8)
    decision = Decision.of(problem, x, solver="mine", bill=Bill())
    assert decision.energy == pytest.approx(float(qubo.energy(x)), abs=0)
    assert decision.feasible == (x.sum() == n // 2)
    assert decision.problem_hash == problem.hash


@pytest.mark.property
@given(bills, bills, bills)
def test_bills_form_a_commutative_monoid(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Bill() == a


def test_circuit_sizes_take_the_larger_and_shots_add():
    total = Bill(shots=10, qubits=6, depth=9) + Bill(shots=5, qubits=8, depth=2)
    assert (total.shots, total.qubits, total.depth) == (15, 8, 9)
