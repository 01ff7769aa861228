import numpy as np
import pytest

from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate, inverse, matrix

ALL = (*FIXED, *GENERATORS)


def one(name, angle=0.7):
    size = 1 if name in ("h", "x", "z", "rx", "ry", "rz") else 2
    return Gate(name, tuple(range(size)), 0.0 if name in FIXED else angle)


@pytest.mark.parametrize("name", GENERATORS)
def test_three_terms_are_the_exponential(name):
    generator = GENERATORS[name]
    np.testing.assert_array_equal(generator @ generator @ generator, generator)
    values, vectors = np.linalg.eigh(generator)
    exact = (vectors * np.exp(-0.35j * values)) @ vectors.conj().T
    np.testing.assert_allclose(matrix(name, 0.7), exact, atol=1e-15)


def test_the_pair_rotation_has_the_stated_sign():
    cos, sin = np.cos(0.35), np.sin(0.35)
    hop = [[cos, -1j * sin], [-1j * sin, cos]]
    np.testing.assert_allclose(matrix("xxplusyy", 0.7)[1:3, 1:3], hop)
    np.testing.assert_allclose(matrix("givens", 0.7)[1:3, 1:3], [[cos, -sin], [sin, cos]])
    np.testing.assert_array_equal(matrix("cx")[3], [0, 1, 0, 0])  # first qubit controls


def test_the_inverse_undoes_every_gate(oracle):
    spec = CircuitSpec(2, tuple(one(name) for name in ALL))
    both = CircuitSpec(2, (*spec.gates, *spec.inverse().gates))
    np.testing.assert_allclose(oracle.unitary(both), np.eye(4), atol=1e-14)
    assert inverse(inverse(spec.gates)) == spec.gates


def test_depth_counts_two_qubit_layers():
    gates = [Gate("rzz", (0, 1), 0.1), Gate("cz", (2, 3)), Gate("h", (1,)), Gate("cx", (1, 2))]
    spec = CircuitSpec(4, tuple(gates))
    assert spec.resources().depth == 3
    assert spec.resources(basis="fractional").depth == 2
    assert CircuitSpec(1, (Gate("h", (0,)),)).resources().depth == 0


def test_binding_follows_the_order_of_parameters():
    gates = (Gate("rx", (0,), 0.5, 2.0, "b"), Gate("rz", (0,), 0.0, -1.0, "a"))
    spec = CircuitSpec(1, gates, ("a", "b"))
    assert [gate.angle for gate in spec.bind([10.0, 1.0]).gates] == [2.5, -10.0]
    assert spec.bind([10.0, 1.0]).parameters == ()
    with pytest.raises(ValueError, match="1 values for the parameters"):
        spec.bind([1.0])


def test_the_hash_is_that_of_the_text():
    spec = CircuitSpec(1, (Gate("rx", (0,), 0.5, 2.0, "b"),), ("b",), (0,))
    assert str(spec) == "qubits 1\nparameters b\nrx(0.5+2.0*b) 0\nmeasure 0"
    same = CircuitSpec(1, (Gate("rx", (0,), 0.5, 2.0, "b"),), ("b",), (0,))
    assert spec.hash == same.hash
    assert spec.hash != CircuitSpec(1, (Gate("rx", (0,), 0.5, 1.0, "b"),), ("b",), (0,)).hash


@pytest.mark.parametrize(
    ("gates", "measured", "message"),
    [
        ((Gate("cnot", (0, 1)),), (), "unknown gate 'cnot'; allowed: h, x"),
        ((Gate("cx", (1, 1)),), (), "2 distinct qubits"),
        ((Gate("h", (2,)),), (), r"'h 2' leaves the qubits 0\.\.1"),
        ((Gate("rx", (0,), factor=1.0, parameter="b"),), (), "not in"),
        ((), (0, 0), "measured qubits must be distinct"),
    ],
)
def test_a_wrong_circuit_is_refused(gates, measured, message):
    with pytest.raises(ValueError, match=message):
        CircuitSpec(2, gates, (), measured)
