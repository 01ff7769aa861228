"""An ansatz on a device's snapshot, simulated in the Pauli basis: what Aer's density matrix gives,
seven times sooner, and what Aer's device model leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from circuits.spec import Structure
from qfl.backends import snapshots
from qfl.backends.calibration import Calibration, calibration, execution
from qfl.backends.gates import allowed, angle_row, angle_rows, bits, costs, drawn
from qfl.backends.noisy import Noise, Program, program
from qfl.backends.placement import Placed, fold
from qfl.backends.targets import part
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.simulators.pauli import readings

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """A circuit on a snapshot, and what acts on it.

    Attributes:
        snapshot: its name.
        placed: the circuit on its qubits.
        noise: beside that of the gates.
        fractional_gates: whether the device has them.
        practice: what is done about errors, in the words of a record.
    """

    snapshot: str
    placed: Placed
    noise: Noise
    fractional_gates: bool
    practice: tuple[str, ...]

    @property
    def readouts(self) -> Floats:
        """How variable k is read, (n, 2, 2)."""
        qubits = self.placed.qubits
        found = snapshots.readouts(self.snapshot, qubits)[list(self.placed.measured)]
        return (found + found[:, ::-1, ::-1]) / 2 if self.noise.twirling else found

    def program(self, scale: int = 1) -> Program:
        """Return the circuit with its noise, two-qubit gates repeated `scale` times."""
        return _program(self.snapshot, self.placed, self.fractional_gates, self.noise, scale)

    def read(self, values: dict[str, float], scale: int = 1) -> Floats:
        """Return how probable every reading is, (2^n,), for these values of the parameters."""
        pairs, after = self.program(scale).steps(values)
        return readings(len(self.placed.qubits), pairs, after, self.placed.measured, self.readouts)

    def calibration(self) -> Calibration:
        """Return the snapshot's numbers for the qubits."""
        return calibration(snapshots.device(self.snapshot, self.fractional_gates), self.placed)


@dataclass(frozen=True)
class SnapshotCompiled:
    """One ansatz on a snapshot, with every two-qubit gate repeated `scale` times."""

    ansatz: QaoaAnsatz
    structure: Structure
    situation: Situation
    scale: int = 1

    def expectation(self, angles: ArrayLike) -> Floats:
        """Return the exact mean cost of the noisy state as it is read."""
        rows, shape = angle_rows(self.ansatz, angles)
        return np.reshape([self._read(row) @ self._costs for row in rows], shape)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], Floats]:
        """Return the states that the ansatz allows and their probabilities at one angle set.

        What is missing from 1 is what noise moved to states that it does not allow.
        """
        index = allowed(self.ansatz)
        return bits(index, self.ansatz.n), self.read(angles)[index]

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set."""
        return drawn(self.read(angles), shots, rng)

    def read(self, angles: ArrayLike) -> Floats:
        """Return how probable every one of the 2^n readings is at one angle set, in basis order."""
        (row,) = angle_row(self.ansatz, angles)
        return self._read(row)

    @property
    def readouts(self) -> Floats:
        """How variable k is read, (n, 2, 2)."""
        return self.situation.readouts

    @property
    def placed(self) -> Placed:
        """How it lies on the device."""
        return self.situation.placed

    def execution(self) -> Execution:
        """Return how it lies on the device, and what is done about errors."""
        here = self.situation
        device = snapshots.device(here.snapshot, here.fractional_gates)
        return replace(execution(device, here.placed), mitigation=here.practice)

    def folded(self, scale: int) -> SnapshotCompiled:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number."""
        return replace(self, scale=scale)

    @cached_property
    def _costs(self) -> Floats:
        return costs(self.ansatz)

    def _read(self, row: Floats) -> Floats:
        values = self.structure.angles(row[None])[0].tolist()
        named = dict(zip(self.structure.spec.parameters, values, strict=True))
        return self.situation.read(named, self.scale)


@lru_cache(maxsize=64)
def _program(
    name: str, placed: Placed, fractional_gates: bool, noise: Noise, scale: int
) -> Program:
    target = part(snapshots.device(name, fractional_gates).target, placed.qubits)
    return program(fold(placed.compact, scale), target, placed.qubits, noise)
