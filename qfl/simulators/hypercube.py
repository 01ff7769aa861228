"""QAOA on all 2^n states, with every mixer: the reference for the subspace engine, and penalties.

States are numbered sum_k x_k 2^k. The transverse field runs as a real rotation, in the frame where
a state carries the phase i^(number of ones); the other mixers are written out pair by pair, on
purpose in another way than in the subspace engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import SUMS, QaoaAnsatz
from qfl.simulators.blocks import Block, checked_start, rows
from qfl.simulators.evolution import evolve, largest, run_layers, run_layers_back
from qfl.simulators.grover import Reflection
from qfl.simulators.memory import free_bytes, require
from qfl.simulators.operations import Amplitudes, Device, Floats, Operations, operations

_DTYPES = {"double": np.complex128, "single": np.complex64}
_SMALL = 1 << 12  # states up to which angle sets run together; larger ones fill the cache alone
_LANES = 17  # qubits up to which eight angle sets under the transverse field run together
_TERMS = 24  # of the Taylor series for |angle| <= 1: the next is below 1e-24


class Hypercube:
    """The engine for one ansatz over all states; see `evolution.Engine`.

    Args:
        ansatz: any mixer; blocks only choose the start state and what the mixer couples.
        precision: "double" or "single".
        device: "cpu" or "cuda".

    Raises:
        CapacityError: 2^n amplitudes do not fit the memory.
        ProblemError: a warm start of the wrong length or norm.

    >>> engine = Hypercube(QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1))
    >>> engine.states(np.arange(4)).tolist(), engine.table.tolist()
    ([[0, 0], [1, 0], [0, 1], [1, 1]], [0.0, 1.0, 1.0, 2.0])
    """

    def __init__(
        self,
        ansatz: QaoaAnsatz,
        *,
        precision: str = "double",
        device: Device = "cpu",
        use: Operations | None = None,
    ) -> None:
        self.n, self.mixer, self.dimension = ansatz.n, ansatz.mixer, 1 << ansatz.n
        self.columns = _columns(ansatz)
        self.blocks = Block.all_of(ansatz)
        tilts = () if ansatz.bias is None else ansatz.tilts
        self._axes = [(float(np.sin(tilt)), float(np.cos(tilt))) for tilt in tilts]
        self._dtype = np.dtype(_DTYPES[precision])
        self.needed = self.check_size(ansatz, precision=precision, device=device)
        self.operations = operations(device) if use is None else use
        self.table = _costs(ansatz)
        self.costs = self.operations.array(self.table)
        self.largest = largest(self.table)
        self.filled = self._turned and self.columns == self.operations.lanes > 1
        start = self._initial(ansatz)
        if self._turned:
            start = start * 1j ** _ones(self.n)
        self._reflection = Reflection(start.astype(self._dtype), self.operations)
        self.start, self.room = self._reflection.start, self._reflection.room

    @staticmethod
    def check_size(ansatz: QaoaAnsatz, *, precision: str, device: Device) -> int:
        """Return the bytes at the peak of a gradient: four states and six tables.

        Two are the costs; four are what an objective sorts and weighs.

        Raises:
            CapacityError: they are not free.
        """
        each = 4 * np.dtype(_DTYPES[precision]).itemsize + 48
        largest = int(free_bytes(device) // each).bit_length() - 1
        needed = (_columns(ansatz) << ansatz.n) * each
        require(
            needed,
            what=f"the state of {ansatz.n} qubits",
            advice=f"try n <= {largest}, or backend 'subspace' if numbers of ones are fixed",
            device=device,
        )
        return needed

    def states(self, ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the states of these numbers as rows, (len(ranks), n)."""
        return ((ranks[:, None] >> np.arange(self.n)) & 1).astype(np.uint8)

    def reordered(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return `vector`: the inner order is the outer one."""
        return vector

    def amplitudes(self, angles: Floats) -> NDArray[Any]:
        """Return the final state (states,) for angles (2, depth)."""
        psi = self.operations.host(evolve(self, angles[None]))[:, 0]
        return psi * (-1j) ** _ones(self.n) if self._turned else psi

    def run(self, psi: Amplitudes, angles: Floats) -> Floats:
        """Write the final states to psi (states, columns); return their mean costs (columns,)."""
        if self._turned:
            return self.operations.field(psi, self.start, self.costs, angles)
        return run_layers(self, psi, angles)

    def run_back(self, pair: Amplitudes, angles: Floats) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|G|psi> per angle."""
        if self._turned:
            return self.operations.field_back(pair, self.costs, angles)
        return run_layers_back(self, pair, angles)

    def layers(self, betas: Floats) -> list[Any]:
        """Return the betas of each layer (layers, columns)."""
        return [np.ascontiguousarray(row) for row in betas]

    def mix(self, psi: Amplitudes, layer: Any) -> None:
        """Apply exp(-i beta M), one beta per column."""
        if self.mixer == "x":
            self._tilt(psi, layer)
        elif self.mixer == "grover":
            self._reflection.mix(psi, layer)
        elif self.mixer in SUMS:
            self._exponentiate(psi, layer)
        else:
            for pair in self._pairs():
                self._rotate(psi, pair, layer)

    def mix_back(self, pair: Amplitudes, layer: Any) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|M|psi> (columns,)."""
        if self.mixer == "grover":
            return self._reflection.mix_back(pair, layer)
        psi, lam = pair[0], pair[1]
        overlaps = np.zeros(psi.shape[-1])
        if self.mixer in ("x", *SUMS):
            image = self._field(psi) if self.mixer == "x" else self._generator(psi)
            overlaps += self.operations.host((lam.conj() * image).sum(0)).imag
            self.mix(psi, -layer)
            self.mix(lam, -layer)
            return overlaps
        for edge in reversed(self._pairs()):
            x, y = _exchanged(psi, *edge)
            u, v = _exchanged(lam, *edge)
            products = (u.conj() * y + v.conj() * x).sum((0, 1, 2))
            overlaps += self.operations.host(products).imag
            self._rotate(psi, edge, -layer)
            self._rotate(lam, edge, -layer)
        return overlaps

    def _pairs(self) -> list[tuple[int, int]]:
        """Return the ordered pairs (a, b), a < b, of qubits that the mixer couples."""
        coupled = [
            (block.variables[i], block.variables[j])
            for block in self.blocks
            for i, j in block.pairs
        ]
        return [(min(pair), max(pair)) for pair in coupled]

    def _rotate(self, psi: Amplitudes, pair: tuple[int, int], angles: Floats) -> None:
        """Apply exp(-i angle (XX + YY)/2) to two qubits."""
        x, y = _exchanged(psi, *pair)
        cos, sin = self._row(np.cos(angles)), self._row(-1j * np.sin(angles))
        kept = 1.0 * x
        x[:] = cos * x + sin * y
        y[:] = cos * y + sin * kept

    def _tilt(self, psi: Amplitudes, angles: Floats) -> None:
        """Apply exp(-i angle (sin t X + cos t Z)) to every qubit."""
        for qubit, (sine, cosine) in enumerate(self._axes):
            x, y = _halves(psi, qubit)
            kept, swap = 1.0 * x, self._row(-1j * sine * np.sin(angles))
            x[:] = self._row(np.cos(angles) - 1j * cosine * np.sin(angles)) * x + swap * y
            y[:] = self._row(np.cos(angles) + 1j * cosine * np.sin(angles)) * y + swap * kept

    def _field(self, psi: Amplitudes) -> Amplitudes:
        """Return the sum of sin t X + cos t Z over the qubits, applied to psi."""
        total = 0.0 * psi
        for qubit, (sine, cosine) in enumerate(self._axes):
            (x, y), (u, v) = _halves(psi, qubit), _halves(total, qubit)
            u += cosine * x + sine * y
            v += sine * x - cosine * y
        return total

    def _generator(self, psi: Amplitudes) -> Amplitudes:
        """Return M psi: the sum over a ring, or J+ J- minus the number of ones, in every block."""
        total = 0.0 * psi
        if self.mixer == "xy_ring_exact":
            for pair in self._pairs():
                (u, v), (x, y) = _exchanged(total, *pair), _exchanged(psi, *pair)
                u += y
                v += x
            return total
        for block in self.blocks:
            lowered, raised = 0.0 * psi, -block.ones * psi
            for qubit in block.variables:
                _halves(lowered, qubit)[0][:] += _halves(psi, qubit)[1]
            for qubit in block.variables:
                _halves(raised, qubit)[1][:] += _halves(lowered, qubit)[0]
            total += raised
        return total

    def _exponentiate(self, psi: Amplitudes, angles: Floats) -> None:
        """Apply exp(-i angle M) by its Taylor series, in short steps."""
        largest = sum(block.ones * (block.n - block.ones) for block in self.blocks)
        steps = max(1, int(np.ceil(np.abs(angles).max() * largest)))
        for _ in range(steps):
            term = 1.0 * psi
            for order in range(1, _TERMS):
                term = self._generator(term) * self._row(-1j * angles / (steps * order))
                psi += term

    def _row(self, values: NDArray[Any]) -> Any:
        return self.operations.array(values.astype(self._dtype))

    @property
    def _turned(self) -> bool:
        """Whether states carry the phase i^(number of ones)."""
        return self.mixer == "x" and not self._axes

    def _initial(self, ansatz: QaoaAnsatz) -> NDArray[np.complex128]:
        """Return the start state: a product, uniform, or as given over the allowed states."""
        if ansatz.bias is not None:
            product = np.ones(1, dtype=np.complex128)
            for one in ansatz.bias:
                product = np.concatenate([np.sqrt(1 - one) * product, np.sqrt(one) * product])
            return product
        allowed = np.arange(self.dimension)
        if self.blocks:
            count = int(np.prod([block.size for block in self.blocks]))
            allowed = rows(self.blocks, np.arange(count)) @ (1 << np.arange(self.n))
        start = np.zeros(self.dimension, dtype=np.complex128)
        start[allowed] = checked_start(ansatz.initial, len(allowed), start.dtype)
        return start


def _columns(ansatz: QaoaAnsatz) -> int:
    """Return how many angle sets run together."""
    if ansatz.mixer == "x" and ansatz.bias is None:
        return 8 if ansatz.n <= _LANES else 1
    return 64 if 1 << ansatz.n <= _SMALL else 1


def _costs(ansatz: QaoaAnsatz) -> Floats:
    """Return the cost of every state (2^n,), doubling the table qubit by qubit."""
    table = np.array([ansatz.constant], dtype=np.float64)
    for new in range(ansatz.n):
        field = np.array([ansatz.linear[new]])
        for old in range(new):
            field = np.concatenate([field, field + ansatz.quadratic[old, new]])
        table = np.concatenate([table, table + field])
    return table


def _ones(n: int) -> NDArray[np.int64]:
    """Return the number of ones of every state (2^n,)."""
    count = np.zeros(1, dtype=np.int64)
    for _ in range(n):
        count = np.concatenate([count, count + 1])
    return count


def _halves(psi: Amplitudes, qubit: int) -> tuple[Amplitudes, Amplitudes]:
    """Return views of the states with the qubit at 0 and at 1."""
    parts = psi.reshape(-1, 2, 1 << qubit, psi.shape[-1])
    return parts[:, 0], parts[:, 1]


def _exchanged(psi: Amplitudes, a: int, b: int) -> tuple[Amplitudes, Amplitudes]:
    """Return views of the states with qubits (a, b) = (1, 0) and (0, 1), a < b."""
    parts = psi.reshape(-1, 2, 1 << (b - a - 1), 2, 1 << a, psi.shape[-1])
    return parts[:, 0, :, 1], parts[:, 1, :, 0]
