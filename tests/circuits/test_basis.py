"""Circuits in the gates of a device: the same unitary, at the price of the table."""

import numpy as np
import pytest

from circuits.basis import to_basis
from circuits.spec import COST, FIXED, GENERATORS, CircuitSpec, Gate

ALL = (*FIXED, *GENERATORS)


def one(name, angle=0.7):
    size = 1 if name in ("h", "x", "z", "rx", "ry", "rz") else 2
    return Gate(name, tuple(range(size)), 0.0 if name in FIXED else angle)


@pytest.mark.parametrize("basis", COST)
@pytest.mark.parametrize("name", ALL)
def test_every_gate_costs_what_the_table_says(name, basis, oracle):
    spec = CircuitSpec(2, (one(name),))
    native = to_basis(spec, basis)
    allowed = {"cx", "cz"} | ({"rzz"} if basis == "fractional" else set())
    pairs = [gate.name for gate in native.gates if len(gate.qubits) == 2]
    assert set(pairs) <= allowed
    assert len(pairs) == spec.resources(basis=basis).two_qubit_gates == COST[basis].get(name, 0)
    product = oracle.unitary(native) @ oracle.unitary(spec).conj().T
    assert oracle.distance(product.ravel(), np.eye(4).ravel()) < 1e-14


def test_what_is_measured_stays_and_native_gates_are_left_alone():
    spec = CircuitSpec(3, (Gate("swap", (0, 2)), Gate("cz", (0, 1))), measured=(2, 0))
    native = to_basis(spec)
    assert native.measured == (2, 0)
    assert native.gates[-1] == spec.gates[-1]
    assert to_basis(native) == native


def test_symbols_stay_symbols():
    """A circuit is rewritten before its angles are known."""
    spec = CircuitSpec(2, (Gate("xxplusyy", (0, 1), 0.0, 2.0, "beta"),), ("beta",))
    for basis in ("cz", "fractional"):
        named = [gate for gate in to_basis(spec, basis).gates if gate.parameter == "beta"]
        assert sum(gate.factor for gate in named) == pytest.approx(2.0)
