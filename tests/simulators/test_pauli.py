from itertools import product

import numpy as np
import pytest
from scipy.stats import unitary_group

from circuits.spec import matrix
from qfl.core.errors import CapacityError
from qfl.simulators import pauli
from qfl.simulators.pauli import PAULIS, Pair, readings, transfer, two_terms

DAMPING = [np.diag([1, np.sqrt(0.7)]), np.array([[0, np.sqrt(0.3)], [0, 0]])]
"""Kraus operators of a qubit that falls to |0> with probability 0.3."""


def channel(kraus):
    """Return the transfer matrix of a one-qubit channel by its definition."""
    return np.array(
        [
            [sum(np.trace(p @ k @ q @ k.conj().T) for k in kraus).real / 2 for q in PAULIS]
            for p in PAULIS
        ]
    )


def embedded(small, qubits, n):
    """Return an operator on `qubits` as a matrix on n of them, entry by entry."""
    large = np.zeros((2**n, 2**n), dtype=complex)
    for column in range(2**n):
        inside = sum((column >> qubit & 1) << i for i, qubit in enumerate(qubits))
        for out in range(len(small)):
            row = column
            for i, qubit in enumerate(qubits):
                row = row & ~(1 << qubit) | (out >> i & 1) << qubit
            large[row, column] = small[out, inside]
    return large


def noisy_circuit(seed, n, length):
    """Return steps, channels at the end and the dense density matrix after both."""
    rng = np.random.default_rng(seed)
    rho = np.zeros((2**n, 2**n), dtype=complex)
    rho[0, 0] = 1

    def after(kraus, qubits):
        large = [embedded(k, qubits, n) for k in kraus]
        return sum(k @ rho @ k.conj().T for k in large)

    def random_channel():
        turn = unitary_group.rvs(2, random_state=rng)
        return [k @ turn for k in DAMPING]

    steps = []
    for _ in range(length):
        qubits = tuple(rng.permutation(n)[:2].tolist())
        before = [random_channel() for _ in range(2)]
        for qubit, kraus in zip(qubits, before, strict=True):
            rho = after(kraus, (qubit,))
        name = ("cx", "cz", "rzz")[rng.integers(3)]
        gate = matrix(name, rng.normal())
        rho = after([gate], qubits)
        lost = rng.random() / 2  # a depolarised pair is any of the 16 Pauli strings
        strings = [np.kron(a, b) for a, b in product(PAULIS, PAULIS)]
        spread = sum(after([string], qubits) for string in strings) / 16
        rho = (1 - lost) * rho + lost * spread
        diagonal = np.diag([1.0] + [1 - lost] * 15)
        terms = two_terms(diagonal @ transfer(gate))
        steps.append(Pair(qubits, np.array([channel(each) for each in before]), *terms))
    last = [random_channel() for _ in range(n)]
    for qubit, kraus in enumerate(last):
        rho = after(kraus, (qubit,))
    return steps, np.array([channel(each) for each in last]), rho


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_any_noisy_circuit_equals_the_density_matrix(monkeypatch, seed, plain):
    """Both ways of taking a step, against Kraus operators on the dense matrix."""
    if plain:
        monkeypatch.setattr(pauli, "_stepper", lambda: pauli.apply_plainly)
    n = 2 + seed
    steps, after, rho = noisy_circuit(seed, n, 9)
    found = readings(n, steps, after, range(n))
    np.testing.assert_allclose(found, rho.diagonal().real, atol=1e-13)
    assert found.sum() == pytest.approx(1)


def test_some_qubits_in_any_order_and_how_they_are_read():
    steps, after, rho = noisy_circuit(9, 4, 12)
    cube = rho.diagonal().real.reshape((2,) * 4)  # axes of qubits 3, 2, 1, 0
    wanted = cube.sum(axis=(1,)).transpose(1, 2, 0)  # qubit 3 low, then 0, then 1
    np.testing.assert_allclose(readings(4, steps, after, [3, 0, 1]), wanted.reshape(-1), atol=1e-13)
    wrong = np.array([[[0.9, 0.2], [0.1, 0.8]], [[1.0, 0.0], [0.0, 1.0]], [[0.7, 0.0], [0.3, 1.0]]])
    read = np.einsum("ab,cd,ef,bdf->ace", wrong[2], wrong[1], wrong[0], wanted)
    found = readings(4, steps, after, [3, 0, 1], wrong)
    np.testing.assert_allclose(found, read.reshape(-1), atol=1e-13)


def test_a_general_two_qubit_gate_is_refused():
    gate = unitary_group.rvs(4, random_state=np.random.default_rng(0))
    with pytest.raises(ValueError, match="15 terms in a row; at most two"):
        two_terms(transfer(gate))


def test_what_does_not_fit_is_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(pauli, "free_bytes", lambda: 1 << 30)
    assert pauli.most_qubits() == 13
    with pytest.raises(CapacityError, match=r"a density matrix of 20 qubits needs .*13 qubits"):
        readings(20, [], np.tile(np.eye(4), (20, 1, 1)), [0])
