import numpy as np
import pytest
import torch

from circuits.qaoa import QaoaAnsatz, circuit
from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate, matrix
from qfl.core.errors import BackendError, CapacityError
from qfl.simulators import memory
from qfl.simulators.hypercube import Hypercube
from qfl.simulators.statevector import expectations_z, probabilities, run


def random_circuit(rng, n, size, parameters=()):
    gates = []
    for name in rng.choice([*FIXED, *GENERATORS], size=size):
        table = FIXED if name in FIXED else GENERATORS
        qubits = rng.permutation(n)[: len(table[name]).bit_length() - 1]
        gate = Gate(str(name), tuple(qubits.tolist()))
        if name in GENERATORS:
            parameter = str(rng.choice(parameters)) if parameters else ""
            gate = Gate(gate.name, gate.qubits, rng.normal(), rng.normal(), parameter)
        gates.append(gate)
    return CircuitSpec(n, tuple(gates), tuple(parameters))


def dense(spec):
    """Return the final state, one embedded matrix per gate."""
    psi = np.eye(2**spec.qubits, dtype=complex)[0]
    for gate in spec.gates:
        small = matrix(gate.name, gate.angle)
        unitary = np.zeros((len(psi), len(psi)), dtype=complex)
        for column in range(len(psi)):
            bits = sum((column >> qubit & 1) << i for i, qubit in enumerate(gate.qubits))
            for out in range(len(small)):
                row = column
                for i, qubit in enumerate(gate.qubits):
                    row = row & ~(1 << qubit) | (out >> i & 1) << qubit
                unitary[row, column] = small[out, bits]
        psi = unitary @ psi
    return psi


@pytest.mark.parametrize("seed", range(5))
def test_every_gate_on_any_qubits_equals_its_embedded_matrix(seed):
    spec = random_circuit(np.random.default_rng(seed), 5, 40)
    np.testing.assert_allclose(run(spec).numpy(), dense(spec), atol=1e-13)


def test_a_batch_of_angles_equals_bound_circuits():
    rng = np.random.default_rng(7)
    spec = random_circuit(rng, 4, 30, ("a", "b", "c"))
    angles = rng.normal(size=(2, 3, 3))
    found = run(spec, torch.tensor(angles)).numpy()
    assert found.shape == (2, 3, 16)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(found[i], run(spec.bind(angles[i])).numpy(), atol=1e-13)


def test_autograd_equals_central_differences():
    rng = np.random.default_rng(8)
    blocks = ((tuple(range(5)), 2),)
    ansatz = QaoaAnsatz(0.0, rng.normal(size=5), np.zeros((5, 5)), "xy_ring", 2, blocks)
    spec, table = circuit(ansatz), torch.tensor(Hypercube(ansatz).table)
    angles = torch.tensor(rng.normal(size=4), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: probabilities(run(spec, x)) @ table, angles)


def test_marginals_and_z_read_the_right_qubits():
    spec = CircuitSpec(3, (Gate("x", (2,)), Gate("ry", (0,), 0.8)))
    state = run(spec)
    one = np.sin(0.4) ** 2
    np.testing.assert_allclose(
        probabilities(state, [2, 0]).numpy(), [0, 1 - one, 0, one], atol=1e-14
    )
    np.testing.assert_allclose(
        expectations_z(state, [0, 1, 2]).numpy(), [1 - 2 * one, 1, -1], atol=1e-14
    )


def test_single_precision_follows_the_angles():
    spec = random_circuit(np.random.default_rng(9), 4, 20, ("a",))
    double = run(spec, torch.tensor([0.3], dtype=torch.float64))
    single = run(spec, torch.tensor([0.3], dtype=torch.float32))
    assert single.dtype == torch.complex64
    np.testing.assert_allclose(single.numpy(), double.numpy(), atol=1e-5)


def test_a_given_state_is_where_it_begins():
    spec = random_circuit(np.random.default_rng(10), 3, 15)
    back = run(spec.inverse(), state=run(spec))
    np.testing.assert_allclose(back.abs().numpy(), [1, 0, 0, 0, 0, 0, 0, 0], atol=1e-13)


def test_angles_of_the_wrong_length_or_type_are_refused():
    spec = random_circuit(np.random.default_rng(11), 2, 3, ("a", "b"))
    with pytest.raises(BackendError, match=r"shape \(\.\.\., 2\).*of shape \(3,\)"):
        run(spec, torch.zeros(3, dtype=torch.float64))
    with pytest.raises(BackendError, match=r"got torch\.int64"):
        run(spec, torch.zeros(2, dtype=torch.int64))


def test_a_batch_that_does_not_fit_is_refused_with_one_that_would(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": memory.GIB)
    monkeypatch.setattr("qfl.simulators.statevector.free_bytes", memory.free_bytes)
    spec = CircuitSpec(20, (Gate("rx", (0,), factor=1.0, parameter="a"),), ("a",))
    with pytest.raises(
        CapacityError, match=r"64 states of 20 qubits.*1\.0 GiB free; try batches of"
    ):
        run(spec, torch.zeros((64, 1), dtype=torch.float64))
