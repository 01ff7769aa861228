"""Readout mitigation: undo wrong readings qubit by qubit, from the calibration.

Reference: tensored inverse of the 2 x 2 matrices P(read i | was j), then the closest probability
distribution: Smolin, Gambetta and Smith, arXiv:1106.5458, algorithm 1. "mthree" solves the same
system on the observed bit strings alone: Nation et al., arXiv:2108.12518.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.gates import angle_rows, bits, costs, execution_of, folded, tensored
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, CapacityError, ConfigError, MissingExtraError
from qfl.core.ports import Capabilities, Compiled

Floats = NDArray[np.float64]
Method = Literal["tensored", "mthree"]

MOST_QUBITS = 16
"""Variables whose 2^n readings are inverted at once."""


@dataclass(frozen=True, slots=True)
class ReadoutMitigation:
    """A backend whose wrong readings are undone.

    Attributes:
        backend, backend_options: what it wraps; it must know its readout, as snapshots, IBM's
            machines and "qiskit" devices with a calibration do.
        method: "tensored" inverts all 2^n readings, for MOST_QUBITS at most and for means too;
            "mthree" inverts on the bit strings that were seen, for samples of any size.

    >>> ReadoutMitigation("aer:fake_manila").capabilities.name
    'mitigation:readout'
    """

    backend: str
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    method: Method = "tensored"

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ConfigError(
                f"unknown method {self.method!r} of readout mitigation; allowed: {get_args(Method)}"
            )

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped backend, under this name."""
        inner = get_backend(self.backend, **self.backend_options).capabilities
        limits = [MOST_QUBITS] if self.method == "tensored" else []
        limits += [] if inner.max_qubits is None else [inner.max_qubits]
        return replace(
            inner, name="mitigation:readout", exact=False, max_qubits=min(limits, default=None)
        )

    def compile(self, ansatz: QaoaAnsatz) -> ReadoutMitigated:
        """Return the ansatz compiled on the wrapped backend.

        Raises:
            CapacityError: too many variables to invert.
            BackendError: the backend does not know how it reads.
            MissingExtraError: mthree is asked for and not installed.
        """
        if self.method == "mthree" and find_spec("mthree") is None:
            raise MissingExtraError("method 'mthree' of readout mitigation", "mitigation")
        if self.method == "tensored" and ansatz.n > MOST_QUBITS:
            raise CapacityError(
                f"tensored readout mitigation inverts at most {MOST_QUBITS} qubits, got "
                f"{ansatz.n}; use method 'mthree'"
            )
        compiled: Any = get_backend(self.backend, **self.backend_options).compile(ansatz)
        mitigated = ReadoutMitigated(compiled, ansatz, self.method)
        if isinstance(self.backend, str):  # a ledger in between knows after the first sample
            mitigated.matrices()
        return mitigated


@dataclass(frozen=True, slots=True, eq=False)
class ReadoutMitigated:
    """One compiled ansatz whose readings are undone by `method`.

    Attributes:
        inner: has `readouts`, as `jobs.Placement` describes them; None for perfectly, or as long
            as they are not known: a machine behind a ledger knows them after each sample.
    """

    inner: Compiled
    ansatz: QaoaAnsatz
    method: Method

    def matrices(self) -> Floats:
        """Return how variable k is read, (n, 2, 2).

        Raises:
            BackendError: the wrapped backend does not say.
        """
        found: Floats | None = getattr(self.inner, "readouts", None)
        if found is None:
            raise BackendError(
                "the wrapped backend does not say how it reads its qubits; wrap a snapshot such as "
                "aer:fake_boston, or a machine of IBM's cloud"
            )
        return found

    def expectation(self, angles: ArrayLike) -> Floats:
        """Return the mean cost before reading; the inverse is exact, so this has no bias.

        Raises:
            BackendError: the wrapped backend lists no readings and estimates none.
        """
        rows, shape = angle_rows(self.ansatz, angles)
        read: Callable[[Floats], Floats] | None = getattr(self.inner, "read", None)
        if read is None or self.ansatz.n > MOST_QUBITS:
            raise BackendError(
                "readout mitigation has no exact mean here: the wrapped backend only samples, or "
                f"there are more than {MOST_QUBITS} qubits; train on 'subspace' and sample"
            )
        energies = tensored(_inverses(self.matrices()).transpose(0, 2, 1), costs(self.ansatz))
        return np.array([energies @ read(row.reshape(2, -1)) for row in rows]).reshape(shape)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements as they most likely were before reading."""
        counts = self.inner.sample(angles, shots, rng)
        if self.method == "mthree":
            return mitigated_sparsely(counts, self.matrices())
        return mitigated(counts, _inverses(self.matrices()))

    def folded(self, scale: int) -> ReadoutMitigated:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number."""
        return replace(self, inner=folded(self.inner, scale))

    def execution(self) -> Execution | None:
        """Return how the wrapped ansatz runs, and that its readings are undone."""
        return execution_of(self.inner, "readout" if self.method == "tensored" else self.method)


def mitigated(counts: Counts, inverses: Floats) -> Counts:
    """Return counts with wrong readings undone: as many, and whole numbers again."""
    n = counts.n
    seen = np.zeros(2**n)
    seen[counts.states @ (1 << np.arange(n))] = counts.shots / counts.total
    shares = closest_distribution(tensored(inverses, seen))
    return Counts.of(bits(np.arange(2**n), n), _whole(shares, counts.total))


def mitigated_sparsely(counts: Counts, matrices: Floats) -> Counts:
    """Return counts with wrong readings undone by mthree, on the states that were seen.

    Args:
        counts: as measured.
        matrices: (n, 2, 2), entry (k, i, j) reads i of variable k where j was.
    """
    from mthree import M3Mitigation

    solver = M3Mitigation(None)
    solver.cals_from_matrices(list(matrices))
    keys = ["".join(map(str, state[::-1])) for state in counts.states.tolist()]
    seen = dict(zip(keys, counts.shots.tolist(), strict=True))
    quasi = solver.apply_correction(seen, range(counts.n))
    shares = closest_distribution(np.array([quasi[key] for key in keys]))
    return Counts.of(counts.states, _whole(shares, counts.total))


def _inverses(matrices: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrices), dtype=np.float64)


def _whole(shares: Floats, total: int) -> NDArray[np.int64]:
    """Return whole numbers that add up to `total`, nearest to its `shares`."""
    wanted = shares * total
    whole = np.floor(wanted).astype(np.int64)
    missing = total - int(whole.sum())
    whole[np.argsort(whole - wanted, kind="stable")[:missing]] += 1
    return whole


def closest_distribution(values: Floats) -> Floats:
    """Return the probability distribution nearest to values that sum to 1 but may be negative.

    >>> closest_distribution(np.array([0.9, 0.3, -0.2])).round(12).tolist()
    [0.8, 0.2, 0.0]
    """
    descending = np.sort(values)[::-1]
    excess = (np.cumsum(descending) - 1) / np.arange(1, len(values) + 1)
    kept = np.flatnonzero(descending > excess)[-1]
    return np.maximum(values - excess[kept], 0.0)
