"""Random noisy circuits, with their density matrices by Kraus operators."""

from itertools import product

import numpy as np
from scipy.stats import unitary_group

from circuits.spec import matrix
from qfl.simulators.pauli import PAULIS, Pair, transfer, two_terms

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
