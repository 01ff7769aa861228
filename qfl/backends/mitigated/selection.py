"""Post-selection: samples that break the constraint were hit by an error, so they are dropped.

What is kept is reported next to what a fully depolarised output would keep: C(N,K) / 2^N.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.gates import angle_rows, costs, execution_of, folded
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import Capabilities, Compiled

Floats = NDArray[np.float64]
Distribution = Callable[[Floats], tuple[NDArray[np.uint8], Floats]]


@dataclass(frozen=True, slots=True)
class PostSelection:
    """A backend whose infeasible samples are dropped.

    Attributes:
        backend, backend_options: what it wraps.
        least_kept: fraction of samples, in 0..1, below which it refuses to go on.

    >>> PostSelection("aer:fake_manila").capabilities.name
    'mitigation:post_selection'
    """

    backend: str
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    least_kept: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.least_kept <= 1:
            raise ConfigError(f"least_kept is a fraction in 0..1, got {self.least_kept}")

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped backend, under this name; mixers that keep blocks only."""
        inner = get_backend(self.backend, **self.backend_options).capabilities
        mixers = tuple(mixer for mixer in inner.mixers if mixer != "x")
        return replace(inner, name="mitigation:post_selection", exact=False, mixers=mixers)

    def compile(self, ansatz: QaoaAnsatz) -> PostSelected:
        """Return the ansatz compiled on the wrapped backend.

        Raises:
            BackendError: the ansatz keeps no blocks, so nothing tells wrong samples.
        """
        if not ansatz.blocks:
            raise BackendError(
                f"post-selection needs blocks with a fixed number of ones; mixer {ansatz.mixer!r} "
                "keeps none"
            )
        compiled = get_backend(self.backend, **self.backend_options).compile(ansatz)
        return PostSelected(compiled, ansatz, self.least_kept)


@dataclass(frozen=True, slots=True, eq=False)
class PostSelected:
    """One compiled ansatz whose infeasible samples are dropped."""

    inner: Compiled
    ansatz: QaoaAnsatz
    least_kept: float

    def expectation(self, angles: ArrayLike) -> Floats:
        """Return the mean cost of feasible readings, shape (...).

        Raises:
            BackendError: the wrapped backend lists no probabilities.
        """
        rows, shape = angle_rows(self.ansatz, angles)
        listed: Distribution | None = getattr(self.inner, "distribution", None)
        if listed is None:
            raise BackendError(
                "post-selection has no exact mean here: the wrapped backend only samples; train on "
                "'subspace' and sample"
            )
        values = [self._mean(*listed(row.reshape(2, -1))) for row in rows]
        return np.array(values).reshape(shape)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return those of `shots` measurements that keep the constraint: at most `shots`.

        Raises:
            BackendError: too few do.
        """
        measured = self.inner.sample(angles, shots, rng)
        counts, kept = post_selected(measured, self.ansatz)
        if kept < self.least_kept or counts.total == 0:
            floor = noise_floor(self.ansatz)
            raise BackendError(
                f"post-selection kept {kept:.3g} of {shots} samples, at least "
                f"{self.least_kept:.3g} was asked for; noise alone keeps {floor:.3g}"
            )
        return counts

    def folded(self, scale: int) -> PostSelected:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number."""
        return replace(self, inner=folded(self.inner, scale))

    def execution(self) -> Execution | None:
        """Return how the wrapped ansatz runs, and that infeasible samples are dropped."""
        return execution_of(self.inner, "post_selection")

    def _mean(self, states: NDArray[np.uint8], probabilities: Floats) -> float:
        energies = costs(self.ansatz)[states @ (1 << np.arange(self.ansatz.n))]
        return float(energies @ probabilities / probabilities.sum())


def post_selected(counts: Counts, ansatz: QaoaAnsatz) -> tuple[Counts, float]:
    """Return the samples that keep every block, and which fraction they are.

    >>> ansatz = QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "xy_ring", 1, (((0, 1), 1),))
    >>> counts, kept = post_selected(Counts.of([[0, 1], [1, 1], [1, 0], [0, 1]]), ansatz)
    >>> counts.total, kept
    (3, 0.75)
    """
    right = np.ones(len(counts.states), dtype=np.bool_)
    for variables, ones in ansatz.blocks:
        right &= counts.states[:, list(variables)].sum(1) == ones
    found = Counts.of(counts.states[right], counts.shots[right])
    return found, found.total / counts.total


def noise_floor(ansatz: QaoaAnsatz) -> float:
    """Return the fraction that a fully depolarised output keeps.

    >>> noise_floor(QaoaAnsatz(0.0, np.ones(4), np.zeros((4, 4)), "grover", 1, ((range(4), 2),)))
    0.375
    """
    return math.prod(
        math.comb(len(variables), ones) / 2 ** len(variables) for variables, ones in ansatz.blocks
    )
