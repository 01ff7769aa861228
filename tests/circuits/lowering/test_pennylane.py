import numpy as np
import pennylane as qml
import pytest

from circuits.lowering.pennylane import to_pennylane
from circuits.qaoa import MIXERS, circuit
from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate


def state_of(operators, n):
    """Return the state with qubit 0 as the low bit: PennyLane's with its axes reversed."""
    tape = qml.tape.QuantumScript(operators, [qml.state()])
    psi = qml.device("default.qubit", wires=n).execute(tape)
    return np.asarray(psi).reshape((2,) * n).T.reshape(-1)


@pytest.mark.parametrize("name", [*FIXED, *GENERATORS])
def test_every_gate(name, oracle):
    size = 1 if name in ("h", "x", "z", "rx", "ry", "rz") else 2
    spec = CircuitSpec(2, (Gate(name, (1, 0)[:size], 0.0 if name in FIXED else 0.7),))
    unitary = qml.matrix(to_pennylane(spec)[0], wire_order=[1, 0])
    np.testing.assert_allclose(unitary, oracle.unitary(spec), atol=1e-15)


@pytest.mark.parametrize("mixer", [mixer for mixer in MIXERS if mixer != "xy_ring_exact"])
def test_the_same_ansatz_gives_the_same_state(mixer, oracle):
    rng = np.random.default_rng(3)
    for n in (3, 10):
        ansatz = oracle.random_ansatz(mixer, n, rng, k=1 if mixer == "xy_complete" else None)
        angles = rng.normal(size=(2, 2))
        state = state_of(to_pennylane(circuit(ansatz), angles.ravel()), n)
        assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-10


def test_missing_values_are_refused(oracle):
    ansatz = oracle.random_ansatz("x", 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 values for the parameters"):
        to_pennylane(circuit(ansatz))
