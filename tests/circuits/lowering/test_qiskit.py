import numpy as np
import pytest
from qiskit import transpile
from qiskit.circuit.library import qaoa_ansatz
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import MIXERS, circuit, ising
from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate


@pytest.mark.parametrize("name", [*FIXED, *GENERATORS])
def test_every_gate(name, oracle):
    size = 1 if name in ("h", "x", "z", "rx", "ry", "rz") else 2
    spec = CircuitSpec(2, (Gate(name, (1, 0)[:size], 0.0 if name in FIXED else 0.7),))
    np.testing.assert_allclose(Operator(to_qiskit(spec)).data, oracle.unitary(spec), atol=1e-15)


@pytest.mark.parametrize("mixer", [mixer for mixer in MIXERS if mixer != "xy_ring_exact"])
def test_the_same_ansatz_gives_the_same_state(mixer, oracle):
    rng = np.random.default_rng(3)
    for n in (3, 10):
        ansatz = oracle.random_ansatz(mixer, n, rng, k=1 if mixer == "xy_complete" else None)
        angles = rng.normal(size=(2, 2))
        spec = circuit(ansatz)
        lowered = to_qiskit(spec).remove_final_measurements(inplace=False)
        bound = lowered.assign_parameters(dict(zip(spec.parameters, angles.ravel(), strict=True)))
        state = Statevector(bound).data
        assert oracle.distance(state, oracle.qaoa_state(ansatz, angles)) < 1e-10


@pytest.mark.parametrize("mixer", MIXERS)
def test_qiskit_counts_the_same_two_qubit_gates_and_layers(mixer, oracle):
    ansatz = oracle.random_ansatz(mixer, 5, np.random.default_rng(4))
    spec = circuit(ansatz, trotter_steps=1)
    lowered = to_qiskit(spec).remove_final_measurements(inplace=False)
    native = transpile(lowered, basis_gates=["rz", "sx", "x", "cx"], optimization_level=0)
    needed = spec.resources()
    assert native.count_ops()["cx"] == needed.two_qubit_gates
    assert native.depth(lambda op: len(op.qubits) == 2) == needed.depth


def test_qiskits_own_ansatz_agrees(oracle):
    rng = np.random.default_rng(7)
    ansatz = oracle.random_ansatz("x", 5, rng, depth=3)
    angles = rng.normal(size=(2, 3))
    fields, couplings = ising(ansatz)
    terms = [("Z", [k], fields[k]) for k in range(5)]
    terms += [("ZZ", [a, b], couplings[a, b]) for a in range(5) for b in range(a + 1, 5)]
    cost = SparsePauliOp.from_sparse_list(terms, num_qubits=5)
    theirs = qaoa_ansatz(cost, reps=3)
    state = Statevector(theirs.assign_parameters(angles[::-1].ravel())).data  # betas first
    ours = oracle.from_zero(circuit(ansatz).bind(angles.ravel()))
    assert oracle.distance(state, ours) < 1e-10


def test_columns_become_classical_bits():
    spec = CircuitSpec(3, (Gate("x", (2,)),), measured=(2, 0))
    lowered = to_qiskit(spec)
    assert [(g.qubits[0]._index, g.clbits[0]._index) for g in lowered.data[1:]] == [(2, 0), (0, 1)]
    assert to_qiskit(CircuitSpec(3, spec.gates)).num_clbits == 0
