"""Density matrices in the Pauli basis: noisy circuits of ten qubits in a fraction of a second.

A state of n qubits is the 4^n real numbers Tr(P rho), P a string of I, X, Y, Z; a channel is a real
matrix on them, its transfer matrix R_ij = Tr(P_i channel(P_j)) / 2^m. Noise costs nothing beside
gates: one-qubit channels multiply up between the two-qubit gates, and those of real devices (cx,
cz, ecr, rzz) have one or two terms per row. Digits of an index, in base 4, are little-endian.

Reference: Chow et al., arXiv:1202.5344 (transfer matrices); compare qiskit.quantum_info.PTM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.simulators.memory import free_bytes, require
from qfl.simulators.operations import compiles

Floats = NDArray[np.float64]

PAULIS = np.array([np.eye(2), [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], np.diag([1, -1])])
"""I, X, Y, Z."""

_READING = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])
"""From the Pauli basis to the probabilities of 0 and 1."""
_BYTES = 12
"""Per number of a state: itself, and half as much while it is read."""
_SECONDS = 1.2e-9
"""Per number and step, as measured at 10 and 12 qubits."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One-qubit channels on two qubits, then a channel on both.

    Attributes:
        qubits: the first and the second, distinct.
        before: (2, 4, 4) transfer matrices on the first and on the second.
        sources, weights: (16, 2), of the channel on both as `two_terms` gives them.
    """

    qubits: tuple[int, int]
    before: Floats
    sources: NDArray[np.int64]
    weights: Floats


def transfer(unitary: ArrayLike) -> Floats:
    """Return the transfer matrix of a gate on one or two qubits, (4, 4) or (16, 16).

    Args:
        unitary: (2, 2), or (4, 4) with index = bit of the first qubit + 2 * bit of the second.

    >>> transfer(np.diag([1, 1j])).round(12).tolist()[1]
    [0.0, 0.0, -1.0, 0.0]
    """
    gate = np.asarray(unitary, dtype=np.complex128)
    basis = _basis(len(gate))
    moved = gate @ basis @ gate.conj().T
    return np.asarray(np.einsum("iab,jba->ij", basis, moved).real / len(gate))


def two_terms(matrix: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the sources and weights (16, 2) of a transfer matrix (16, 16) on two qubits.

    Raises:
        ValueError: more than two terms in a row; Clifford gates have one, rotations about a Pauli
            string two.

    >>> sources, weights = two_terms(transfer(np.diag([1, 1, 1, -1])))
    >>> sources[1].tolist(), weights[1].tolist()  # IX becomes ZX
    ([13, 0], [1.0, 0.0])
    """
    matrix = np.where(np.abs(matrix) > 1e-12, matrix, 0.0)
    most = int((matrix != 0).sum(1).max())
    if most > 2:
        raise ValueError(f"a two-qubit channel of {most} terms in a row; at most two are possible")
    sources = np.zeros((16, 2), dtype=np.int64)
    weights = np.zeros((16, 2))
    for row, entries in enumerate(matrix):
        for term, source in enumerate(np.flatnonzero(entries)):
            sources[row, term], weights[row, term] = source, entries[source]
    return sources, weights.round(15)


def readings(
    n: int,
    steps: Sequence[Pair],
    after: Floats,
    measured: Sequence[int],
    readouts: Floats | None = None,
) -> Floats:
    """Return how probable each reading of some qubits is, (2^m,) in basis order.

    Args:
        n: qubits, which begin in |0...0>.
        steps: the first one acts first.
        after: (n, 4, 4) channels on single qubits at the end.
        measured: m distinct qubits; the first one is the low bit of a reading.
        readouts: (m, 2, 2), entry (k, i, j) reads i where j was; None reads perfectly.

    Raises:
        CapacityError: 4^n numbers do not fit the memory.

    >>> flip = np.diag([1.0, 1.0, -1.0, -1.0])
    >>> readings(1, [], flip[None], [0]).tolist()
    [0.0, 1.0]
    """
    most = most_qubits(n)
    advice = f"{most} qubits would fit" if most else "free some memory"
    require(_BYTES * 4**n, what=f"a density matrix of {n} qubits", advice=advice)
    digit = _digits(n, steps)
    state = reduce(np.kron, [np.array([1.0, 0.0, 0.0, 1.0])] * n)
    apply = _stepper()
    for each in steps:
        apply(state, each, digit)
    column = {qubit: k for k, qubit in enumerate(measured)}
    kept: list[int] = []
    for qubit in sorted(range(n), key=lambda qubit: -digit[qubit]):
        rows = after[qubit][:1]  # not read: traced out
        if qubit in column:
            rows = _READING @ after[qubit]
            rows = rows if readouts is None else readouts[column[qubit]] @ rows
            kept.append(column[qubit])
        state = np.matmul(rows, state.reshape(2 ** len(kept) // len(rows), 4, -1))
    cube = state.reshape((2,) * len(kept))
    order = np.argsort([-each for each in kept])  # the last column is the high bit
    return np.ascontiguousarray(cube.transpose(order)).reshape(-1)


def seconds(n: int, steps: int) -> float:
    """Return about how long `steps` two-qubit steps on n qubits take, on one core of 2026."""
    return steps * 4**n * _SECONDS


def most_qubits(below: int = 20) -> int:
    """Return how many qubits fit into the free memory, less than `below`; 0 for none."""
    free = free_bytes()
    return max((n for n in range(1, below) if _BYTES * 4**n <= free), default=0)


def _basis(dimension: int) -> NDArray[np.complex128]:
    """Return the Pauli strings (d^2, d, d) on one or two qubits, the first one in the low digit."""
    if dimension == 2:
        return PAULIS
    return np.array([np.kron(high, low) for high, low in product(PAULIS, PAULIS)])


def _digits(n: int, steps: Sequence[Pair]) -> list[int]:
    """Return the digit of each qubit: those that do least come low, where steps are slow."""
    uses = [0] * n
    for each in steps:
        for qubit in each.qubits:
            uses[qubit] += 1
    return np.argsort(np.argsort(uses, kind="stable"), kind="stable").tolist()


def _stepper() -> Callable[[Floats, Pair, list[int]], None]:
    """Return what applies a step, compiled where numba is there."""
    if not compiles():
        return apply_plainly
    from qfl.simulators import kernels_pauli

    room = np.empty((2, 16, kernels_pauli.STRETCH))
    places = np.empty(kernels_pauli.STRETCH, dtype=np.int64)

    def apply(state: Floats, pair: Pair, digit: list[int]) -> None:
        low, high, maps, sources, weights = _ordered(pair, digit)
        kernels_pauli.step(state, (low, high), maps, sources, weights, room, places)

    return apply


def apply_plainly(state: Floats, pair: Pair, digit: list[int]) -> None:
    """Apply a step with numpy alone."""
    low, high, maps, sources, weights = _ordered(pair, digit)
    parts = state.reshape(-1, 4, 4 ** (high - low - 1), 4, 4**low)
    moved = np.einsum("hu,lv,aubvc->ahblc", maps[1], maps[0], parts, optimize=True)
    moved = moved.transpose(1, 3, 0, 2, 4).reshape(16, -1)
    found = weights[:, :1] * moved[sources[:, 0]] + weights[:, 1:] * moved[sources[:, 1]]
    shape = (4, 4, parts.shape[0], parts.shape[2], parts.shape[4])
    parts[:] = found.reshape(shape).transpose(2, 0, 3, 1, 4)


def _ordered(pair: Pair, digit: list[int]) -> tuple[int, int, Floats, NDArray[np.int64], Floats]:
    """Return a pair's low and high digit, and its maps for that order."""
    first, second = (digit[qubit] for qubit in pair.qubits)
    if first < second:
        return first, second, pair.before, pair.sources, pair.weights
    turned = np.arange(16).reshape(4, 4).T.reshape(-1)  # 4 h + l <-> 4 l + h
    sources, weights = turned[pair.sources[turned]], pair.weights[turned]
    return second, first, np.ascontiguousarray(pair.before[::-1]), sources, weights
