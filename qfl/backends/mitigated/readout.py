"""Readout mitigation: undo wrong readings qubit by qubit, from the calibration.

Reference: tensored inverse of the 2 x 2 matrices P(read i | was j), then the closest probability
distribution: Smolin, Gambetta and Smith, arXiv:1106.5458, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.gates import angle_rows, bits, costs, tensored
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, CapacityError
from qfl.core.ports import Capabilities, Compiled

Floats = NDArray[np.float64]

MOST_QUBITS = 16
"""Variables whose 2^n readings are inverted at once."""


class Reads(Compiled, Protocol):
    """A compiled ansatz that knows how it is read; `readouts` None means perfectly."""

    ansatz: QaoaAnsatz
    readouts: Floats | None

    def read(self, angles: ArrayLike) -> Floats:
        """Return how probable every one of the 2^n readings is, in basis order."""
        ...


@dataclass(frozen=True, slots=True)
class ReadoutMitigation:
    """A backend whose wrong readings are undone.

    Attributes:
        backend, backend_options: what it wraps; it must know its readout, as snapshots do.

    >>> ReadoutMitigation("aer:fake_manila").capabilities.name
    'mitigation:readout'
    """

    backend: str
    backend_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped backend, under this name."""
        inner = get_backend(self.backend, **self.backend_options).capabilities
        most = MOST_QUBITS if inner.max_qubits is None else min(MOST_QUBITS, inner.max_qubits)
        return Capabilities("mitigation:readout", False, inner.mixers, most)

    def compile(self, ansatz: QaoaAnsatz) -> ReadoutMitigated:
        """Return the ansatz compiled on the wrapped backend.

        Raises:
            CapacityError: too many variables to invert.
            BackendError: the backend does not know how it reads.
        """
        if ansatz.n > MOST_QUBITS:
            raise CapacityError(
                f"readout mitigation inverts at most {MOST_QUBITS} qubits, got {ansatz.n}"
            )
        compiled: Any = get_backend(self.backend, **self.backend_options).compile(ansatz)
        readouts = getattr(compiled, "readouts", None)
        if readouts is None:
            raise BackendError(
                f"{self.backend} does not say how it reads; wrap a snapshot such as aer:fake_boston"
            )
        return ReadoutMitigated(cast(Reads, compiled), ansatz, np.linalg.inv(readouts))


@dataclass(frozen=True, slots=True, eq=False)
class ReadoutMitigated:
    """One compiled ansatz; `inverses` (n, 2, 2) undo how variable k is read."""

    inner: Reads
    ansatz: QaoaAnsatz
    inverses: Floats

    def expectation(self, angles: ArrayLike) -> Floats:
        """Return the mean cost before reading; the inverse is exact, so this has no bias."""
        rows, shape = angle_rows(self.ansatz, angles)
        read = [self.inner.read(row.reshape(2, -1)) for row in rows]
        values = [costs(self.ansatz) @ tensored(self.inverses, each) for each in read]
        return np.array(values).reshape(shape)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements as they most likely were before reading."""
        counts = self.inner.sample(angles, shots, rng)
        return mitigated(counts, self.inverses)


def mitigated(counts: Counts, inverses: Floats) -> Counts:
    """Return counts with wrong readings undone: as many, and whole numbers again."""
    n = counts.n
    seen = np.zeros(2**n)
    seen[counts.states @ (1 << np.arange(n))] = counts.shots / counts.total
    shares = closest_distribution(tensored(inverses, seen)) * counts.total
    whole = np.floor(shares).astype(np.int64)
    missing = counts.total - int(whole.sum())
    whole[np.argsort(whole - shares, kind="stable")[:missing]] += 1
    return Counts.of(bits(np.arange(2**n), n), whole)


def closest_distribution(values: Floats) -> Floats:
    """Return the probability distribution nearest to values that sum to 1 but may be negative.

    >>> closest_distribution(np.array([0.9, 0.3, -0.2])).round(12).tolist()
    [0.8, 0.2, 0.0]
    """
    descending = np.sort(values)[::-1]
    excess = (np.cumsum(descending) - 1) / np.arange(1, len(values) + 1)
    kept = np.flatnonzero(descending > excess)[-1]
    return np.maximum(values - excess[kept], 0.0)
