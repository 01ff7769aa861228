"""Measured bit strings. Bit order is decided here, once: variable k is column k.

Adapters convert: Qiskit prints variable 0 as the rightmost character, PennyLane makes wire 0 the
most significant. The integer index of a basis state is sum_k x_k 2^k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.arrays import frozen
from qfl.core.errors import ProblemError


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Distinct bit strings with how often each was seen; adds up with `+`.

    Attributes:
        states: (m, n) uint8, distinct rows in lexicographic order.
        shots: (m,) int64, positive.

    >>> a = Counts.of([[0, 1], [0, 1], [1, 0]])
    >>> (a + a).shots.tolist(), a.total
    ([4, 2], 3)
    """

    states: NDArray[np.uint8]
    shots: NDArray[np.int64]

    @classmethod
    def of(cls, samples: ArrayLike, shots: ArrayLike | None = None) -> Counts:
        """Return the counts of `samples` (s, n), each seen once or `shots` (s,) times."""
        rows = np.asarray(samples, dtype=np.uint8)
        if rows.ndim != 2:
            raise ProblemError(f"samples must have shape (shots, variables), got {rows.shape}")
        weights = np.ones(len(rows), np.int64) if shots is None else np.asarray(shots, np.int64)
        if weights.shape != (len(rows),) or (weights < 0).any():
            raise ProblemError(f"{len(rows)} samples need as many counts >= 0, got {weights}")
        states, inverse = np.unique(rows, axis=0, return_inverse=True)
        totals = np.bincount(inverse.ravel(), weights=weights, minlength=len(states))
        seen = totals > 0
        return cls(frozen(states[seen], np.uint8), frozen(totals[seen], np.int64))

    @classmethod
    def zero(cls, n: int) -> Counts:
        """Return the neutral element of `+` over n variables."""
        return cls.of(np.zeros((0, n), dtype=np.uint8))

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.states.shape[1]

    @property
    def total(self) -> int:
        """Number of shots."""
        return int(self.shots.sum())

    def samples(self) -> NDArray[np.uint8]:
        """Return one row per shot, shape (total, n)."""
        return np.repeat(self.states, self.shots, axis=0)

    def __add__(self, other: Counts) -> Counts:
        """Return the merged counts; both must be over the same variables."""
        if self.n != other.n:
            raise ProblemError(
                f"cannot merge counts over {self.n} and {other.n} variables; "
                "merge only counts of one circuit"
            )
        return Counts.of(
            np.concatenate([self.states, other.states]), np.concatenate([self.shots, other.shots])
        )
