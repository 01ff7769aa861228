import numpy as np
import pytest
import torch
from dense_oracle import cost, random_ansatz
from scipy.linalg import expm

from circuits.mixers import edges
from circuits.qaoa import QaoaAnsatz, circuit
from qfl.core.errors import CapacityError, ProblemError
from qfl.simulators import evolution, memory
from qfl.simulators.arrays import on_host, on_torch
from qfl.simulators.hypercube import Hypercube
from qfl.simulators.objectives import Mean
from qfl.simulators.operations import operations
from qfl.simulators.statevector import run

OPERATIONS = {"numba": operations(), "numpy": on_host(), "torch": on_torch("cpu")}
PAULI = {"X": np.array([[0, 1], [1, 0]]), "Z": np.diag([1, -1])}


def plain(rng, n, depth, bias=None):
    linear, quadratic = rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1)
    return QaoaAnsatz(rng.normal(), linear, quadratic, "x", depth, bias=bias)


def on_qubit(letter, qubit, n):
    return np.kron(np.kron(np.eye(2 ** (n - 1 - qubit)), PAULI[letter]), np.eye(2**qubit))


@pytest.mark.parametrize("use", OPERATIONS)
@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_amplitudes_equal_dense_matrix_exponentials(n, tilted, use):
    rng = np.random.default_rng(n)
    bias = rng.random(n) if tilted else None
    ansatz = plain(rng, n, 2, bias)
    chance = np.full(n, 0.5) if bias is None else bias
    states = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    mixer = sum(
        2 * np.sqrt(p * (1 - p)) * on_qubit("X", k, n) + (1 - 2 * p) * on_qubit("Z", k, n)
        for k, p in enumerate(chance)
    )
    psi = np.sqrt(np.where(states, chance, 1 - chance).prod(1)).astype(complex)
    np.testing.assert_allclose(mixer @ psi, n * psi, atol=1e-12)  # the start is its top eigenstate
    angles = rng.normal(size=(2, 2))
    for gamma, beta in angles.T:
        psi = expm(-1j * beta * mixer) @ (np.exp(-1j * gamma * cost(ansatz, states)) * psi)
    engine = Hypercube(ansatz, use=OPERATIONS[use])
    np.testing.assert_allclose(engine.amplitudes(angles), psi, atol=1e-13)
    assert np.array_equal(engine.states(np.arange(2**n)), states)


MIXED = {
    "x": (),
    "xy_ring": (((0, 1, 2, 3), 2), ((5, 4), 1)),
    "xy_parity_ring": (((0, 1, 2, 3, 4), 3), ((5,), 1)),
    "xy_trotter": (((5, 1, 2, 3), 1), ((0, 4), 1)),
    "grover": (((0, 1, 2), 2), ((3, 4, 5), 1)),
}


@pytest.mark.parametrize("mixer", MIXED)
def test_circuits_run_gate_by_gate_give_the_same_state(mixer):
    rng = np.random.default_rng(5)
    ansatz = random_ansatz(rng, "xy_ring", 2, (((0, 1, 2, 3, 4, 5), 1),))
    ansatz = QaoaAnsatz(0.0, ansatz.linear, ansatz.quadratic, mixer, 2, MIXED[mixer])
    angles = rng.normal(size=(2, 2))
    psi = run(circuit(ansatz), torch.tensor(angles.ravel())).numpy()
    assert abs(np.vdot(psi, Hypercube(ansatz).amplitudes(angles))) == pytest.approx(1, abs=1e-12)


def test_the_order_of_edges_matters_and_is_that_of_the_circuits():
    rng = np.random.default_rng(6)
    blocks, angles = ((tuple(range(6)), 3),), np.array([[0.3], [0.7]])
    ring = random_ansatz(rng, "xy_ring", 1, blocks)
    parity = QaoaAnsatz(ring.constant, ring.linear, ring.quadratic, "xy_parity_ring", 1, blocks)
    assert sorted(edges("xy_ring", 6)) == sorted(edges("xy_parity_ring", 6))
    overlap = np.vdot(Hypercube(ring).amplitudes(angles), Hypercube(parity).amplitudes(angles))
    assert abs(overlap) < 0.999


@pytest.mark.parametrize(("n", "columns"), [(3, 5), (9, 70), (14, 3), (17, 1)])
def test_batches_of_any_size_take_every_qubit_through_the_mixer(n, columns):
    rng = np.random.default_rng(n)
    ansatz, angles = plain(rng, n, 1), rng.normal(size=(columns, 2, 1))
    psi = evolution.evolve(Hypercube(ansatz), angles)
    reference = evolution.evolve(Hypercube(ansatz, use=on_host()), angles)
    np.testing.assert_allclose(psi, reference, atol=1e-13)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("n", [4, 14])
def test_gradients_of_the_kernels_equal_those_of_numpy(n, columns):
    rng = np.random.default_rng(n)
    ansatz, angles = plain(rng, n, 2), rng.normal(size=(columns, 2, 2))
    engines = Hypercube(ansatz), Hypercube(ansatz, use=on_host())
    found = [
        evolution.values_and_gradients(engine, angles, Mean().prepare(engine.table))
        for engine in engines
    ]
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-10)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-10)


def test_single_precision_is_close_to_double():
    rng = np.random.default_rng(8)
    ansatz, angles = plain(rng, 15, 3), rng.normal(scale=0.4, size=(2, 3))
    double, single = (
        Hypercube(ansatz, precision=p).amplitudes(angles) for p in ("double", "single")
    )
    np.testing.assert_allclose(single, double, atol=1e-6)


def test_a_warm_start_must_be_a_state():
    ansatz = random_ansatz(np.random.default_rng(0), "grover", 1, (((0, 1, 2), 1),), np.ones(3))
    with pytest.raises(ProblemError, match="norm 1"):
        Hypercube(ansatz)


def test_too_many_qubits_are_refused_with_what_would_fit(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 8 * memory.GIB)
    monkeypatch.setattr("qfl.simulators.hypercube.free_bytes", memory.free_bytes)
    with pytest.raises(
        CapacityError, match=r"40 qubits needs 114688.0 GiB, 8.0 GiB free; try n <= 26"
    ):
        Hypercube(QaoaAnsatz(0.0, np.ones(40), np.zeros((40, 40)), "x", 1))


def test_more_qubits_than_floats_reach_are_refused_too():
    ansatz = QaoaAnsatz(0.0, np.ones(1100), np.zeros((1100, 1100)), "x", 1)
    with pytest.raises(CapacityError, match=r"state of 1100 qubits needs 2\^\d+ GiB.*try n <= "):
        Hypercube(ansatz)
