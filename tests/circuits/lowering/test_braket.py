import numpy as np
import pytest

from circuits.lowering.braket import to_braket
from circuits.qaoa import MIXERS, circuit, line_circuit
from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate

DEVICES = [None, (), ("zz",), ("cz", "xy")]


def unitary_of(lowered, n):
    """Return the matrix with qubit 0 as the low bit: Braket's with its axes reversed."""
    shaped = lowered.to_unitary().reshape((2,) * 2 * n)
    axes = [*reversed(range(n)), *reversed(range(n, 2 * n))]
    return shaped.transpose(axes).reshape(2**n, 2**n)


@pytest.mark.parametrize("gates", DEVICES)
@pytest.mark.parametrize("name", [*FIXED, *GENERATORS])
def test_every_gate(name, gates, oracle):
    size = 1 if name in ("h", "x", "z", "rx", "ry", "rz") else 2
    spec = CircuitSpec(2, (Gate(name, (1, 0)[:size], 0.0 if name in FIXED else 0.7),))
    lowered = to_braket(spec, gates=gates)
    found, wanted = unitary_of(lowered, 2), oracle.unitary(spec)
    assert oracle.distance(found.ravel(), wanted.ravel()) < 1e-12
    if gates is not None:
        pairs = {step.operator.name for step in lowered.instructions if len(step.target) == 2}
        assert {pair.lower() for pair in pairs} <= {"cnot", *gates}


@pytest.mark.parametrize("mixer", [mixer for mixer in MIXERS if mixer != "xy_ring_exact"])
def test_the_same_ansatz_gives_the_same_state(mixer, oracle):
    rng = np.random.default_rng(3)
    ansatz = oracle.random_ansatz(mixer, 4, rng, k=1 if mixer == "xy_complete" else None)
    angles = rng.normal(size=(2, 2))
    spec = circuit(ansatz)
    free = to_braket(spec)
    assert {parameter.name for parameter in free.parameters} == set(spec.parameters)
    values = dict(zip(spec.parameters, angles.ravel().tolist(), strict=True))
    state = unitary_of(free.make_bound_circuit(values), 4)[:, 0]
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-10


def test_column_k_becomes_qubit_k(oracle):
    rng = np.random.default_rng(4)
    ansatz = oracle.random_ansatz("x", 4, rng, depth=1)
    angles = rng.normal(size=(2, 1))
    spec = line_circuit(ansatz)
    assert spec.measured != (0, 1, 2, 3)
    state = unitary_of(to_braket(spec.bind(angles.ravel())), 4)[:, 0]
    assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-10


def test_a_qubit_without_gates_is_still_there():
    lowered = to_braket(CircuitSpec(3, (Gate("x", (1,)),), measured=(0, 1, 2)))
    assert lowered.qubit_count == 3
    with pytest.raises(ValueError, match="reads all 3 qubits, got 1 to read"):
        to_braket(CircuitSpec(3, (), measured=(0,)))
