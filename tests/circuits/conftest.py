"""Oracles: a circuit run gate by gate, and the QAOA state written down from its definition."""

from collections.abc import Callable

import numpy as np
import pytest

from circuits.mixers import edges
from circuits.qaoa import SUMS, QaoaAnsatz
from circuits.spec import CircuitSpec, matrix


def apply(spec, state):
    """Return `state` (2^n,) after the gates of a circuit without free parameters."""
    n = spec.qubits
    psi = np.asarray(state, complex).reshape((2,) * n)  # axis n-1-q is qubit q
    for gate in spec.gates:
        size = len(gate.qubits)
        unitary = matrix(gate.name, gate.angle).reshape((2,) * 2 * size)
        axes = [n - 1 - qubit for qubit in reversed(gate.qubits)]
        psi = np.moveaxis(
            np.tensordot(unitary, psi, (range(size, 2 * size), axes)), range(size), axes
        )
    return psi.reshape(-1)


def from_zero(spec):
    """Return the state that the circuit prepares from |0...0>."""
    return apply(spec, np.eye(1, 2**spec.qubits)[0])


def bits_of(n):
    """Return all basis states, row i holding the bits of i = sum_k x_k 2^k."""
    return (np.arange(2**n)[:, None] >> np.arange(n)) & 1


def qaoa_state(ansatz, angles):
    """Return the state (2^n,) of an ansatz by dense linear algebra on the feasible states."""
    bits = bits_of(ansatz.n)
    feasible = np.ones(len(bits), bool)
    for variables, ones in ansatz.blocks:
        feasible &= bits[:, list(variables)].sum(1) == ones
    where = np.flatnonzero(feasible)
    x = bits[where]
    cost = ansatz.constant + x @ ansatz.linear + ((x @ ansatz.quadratic) * x).sum(1)
    start = np.full(len(x), len(x) ** -0.5, complex)
    psi = start
    for gamma, beta in zip(*np.asarray(angles), strict=True):
        psi = _mixed(ansatz, x, start, beta, np.exp(-1j * gamma * cost) * psi)
    state = np.zeros(len(bits), complex)
    state[where] = psi
    return state


def _mixed(ansatz, x, start, beta, psi):
    if ansatz.mixer == "grover":
        return psi + (np.exp(-1j * beta) - 1) * start * (start @ psi)
    if ansatz.mixer == "x":
        return _exponential(sum(_flip(x, [k]) for k in range(ansatz.n)), beta) @ psi
    for variables, _ in ansatz.blocks:
        pairs = [(variables[a], variables[b]) for a, b in edges(ansatz.mixer, len(variables))]
        if ansatz.order is not None:
            pairs = [pair for pair in ansatz.order if pair[0] in variables]
        hops = [_flip(x, pair) for pair in pairs]
        if ansatz.mixer in SUMS and hops:
            psi = _exponential(sum(hops), beta) @ psi
        elif ansatz.mixer not in SUMS:
            for hop in hops:  # hop^3 = hop
                psi = psi + (np.cos(beta) - 1) * hop @ (hop @ psi) - 1j * np.sin(beta) * hop @ psi
    return psi


def _flip(x, qubits):
    """Return the 0/1 matrix that flips all `qubits`, where that stays among the states x."""
    index = x @ (1 << np.arange(x.shape[1]))
    mask = sum(1 << qubit for qubit in qubits)
    return (index[:, None] == (index ^ mask)[None, :]).astype(float)


def _exponential(hermitian, beta):
    values, vectors = np.linalg.eigh(hermitian)
    return (vectors * np.exp(-1j * beta * values)) @ vectors.T


def random_ansatz(mixer, n, rng, *, depth=2, k=None):
    """Return an ansatz with normal coefficients, on one block of weight k, or on none for "x"."""
    blocks = () if mixer == "x" else ((tuple(range(n)), n // 2 if k is None else k),)
    quadratic = np.triu(rng.normal(size=(n, n)), 1)
    return QaoaAnsatz(0.3, rng.normal(size=n), quadratic, mixer, depth, blocks)


def distance(state, other):
    """Return max |state - phase * other| for the best global phase."""
    overlap = np.vdot(other, state)
    return float(np.abs(state - other * overlap / abs(overlap)).max())


class Oracle:
    """The helpers of this file, for tests that cannot import a conftest."""

    apply: Callable = staticmethod(apply)
    from_zero: Callable = staticmethod(from_zero)
    bits_of: Callable = staticmethod(bits_of)
    qaoa_state: Callable = staticmethod(qaoa_state)
    random_ansatz: Callable = staticmethod(random_ansatz)
    distance: Callable = staticmethod(distance)

    @staticmethod
    def unitary(spec: CircuitSpec):
        """Return the matrix (2^n, 2^n) of a circuit."""
        return np.stack([apply(spec, row) for row in np.eye(2**spec.qubits)], axis=1)


@pytest.fixture(scope="session")
def oracle():
    return Oracle
