"""Noise models that wrap an exact backend: cheap, and honest about being models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz, resources
from qfl.backends import get_backend
from qfl.backends.exact import check_shots
from qfl.backends.stored import check_snapshot, stored
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import Backend, Capabilities, ExactCompiled, Objective

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DepolarisingBackend:
    """The gate-count model: every shot comes from the ideal state or is a uniform bit string.

    It comes from the ideal state with probability (1 - two_qubit_error)^G, where G counts the
    two-qubit gates of the circuit in the CZ basis without routing.

    Attributes:
        two_qubit_error: probability in 0..1 that a gate ruins the state.
        snapshot: in its place, the device whose stored calibration it is computed from, circuit by
            circuit, such as "fake_boston"; see `snapshots.gate_count_error`.
        backend: the exact backend that it wraps.
        backend_options: of that backend.

    >>> DepolarisingBackend(two_qubit_error=0.003).capabilities.name
    'noise:depolarising'
    """

    two_qubit_error: float | None = None
    snapshot: str = ""
    backend: str = "subspace"
    backend_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.two_qubit_error is None) == (not self.snapshot):
            raise ConfigError(
                "noise:depolarising needs two_qubit_error or snapshot, one of them: there is no "
                "honest default"
            )
        if self.two_qubit_error is not None and not 0 <= self.two_qubit_error <= 1:
            raise ConfigError(f"two_qubit_error must lie in 0..1, got {self.two_qubit_error}")
        if self.snapshot:
            check_snapshot(self.snapshot)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped backend, under this name; a snapshot limits the qubits too."""
        inner = self._inner().capabilities
        limits = [] if inner.max_qubits is None else [inner.max_qubits]
        if self.snapshot:
            limits.append(stored("snapshot")(self.snapshot).num_qubits)
        most = min(limits, default=None)
        return Capabilities("noise:depolarising", True, inner.mixers, most)

    def compile(self, ansatz: QaoaAnsatz) -> DepolarisedCompiled:
        """Return the ansatz ready to run on the wrapped backend.

        Raises:
            MissingExtraError: a snapshot, but Qiskit or its snapshots are not installed.
        """
        inner = cast(ExactCompiled, self._inner().compile(ansatz))
        error, where = self._calibrated(ansatz)
        survival = (1 - error) ** resources(ansatz).two_qubit_gates
        return DepolarisedCompiled(inner, ansatz, survival, where)

    def _calibrated(self, ansatz: QaoaAnsatz) -> tuple[float, Execution | None]:
        """Return the error per gate, and what it was computed from if that is a snapshot.

        A snapshot only sees where coefficients are not zero.
        """
        if self.two_qubit_error is not None:
            return self.two_qubit_error, None
        pattern = replace(
            ansatz,
            constant=0.0,
            linear=(ansatz.linear != 0).astype(np.float64),
            quadratic=(ansatz.quadratic != 0).astype(np.float64),
            initial=None,
            bias=None,
        )
        error: float = stored("gate_count_error")(self.snapshot, pattern, trotter_steps=1)
        where: Execution = stored("gate_count_execution")(self.snapshot, pattern, trotter_steps=1)
        return error, where

    def _inner(self) -> Backend:
        inner = get_backend(self.backend, **self.backend_options)
        if not inner.capabilities.exact:
            raise BackendError(
                f"noise:depolarising mixes an exact state with noise, but {self.backend!r} is not "
                "exact; wrap 'subspace' or 'statevector'"
            )
        return inner


@dataclass(frozen=True, slots=True)
class DepolarisedCompiled:
    """One ansatz, whose shots are ideal with probability `survival` and else uniform.

    Attributes:
        where: on which qubits of a snapshot that was computed, if on any.
    """

    ideal: ExactCompiled
    ansatz: QaoaAnsatz
    survival: float
    where: Execution | None = None

    def expectation(self, angles: ArrayLike) -> Floats:
        """Return the mean cost, shape (...)."""
        return gate_count_noise(self.ideal.expectation(angles), self._random_mean, self.survival)

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[Floats, Floats]:
        """Return the mean cost, shape (...), and its gradient (..., 2, depth)."""
        if objective is not None:
            raise BackendError(
                f"under noise only the mean cost has a gradient here, got {objective}; train on "
                "the ideal backend and sample under noise"
            )
        value, gradient = self.ideal.value_and_gradient(angles)
        return (
            gate_count_noise(value, self._random_mean, self.survival),
            self.survival * gradient,
        )

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], Floats]:
        """Return the states of the ideal backend and their probabilities; the rest is outside."""
        states, probabilities = self.ideal.distribution(angles)
        return states, gate_count_noise(probabilities, 0.5**self.ansatz.n, self.survival)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set."""
        check_shots(shots)
        ideal = int(rng.binomial(shots, self.survival))
        noise = rng.integers(0, 2, size=(shots - ideal, self.ansatz.n), dtype=np.uint8)
        counts = Counts.of(noise)
        return counts + self.ideal.sample(angles, ideal, rng) if ideal else counts

    def execution(self) -> Execution | None:
        """Return what the noise was calibrated from; None for a given `two_qubit_error`."""
        return self.where

    def folded(self, scale: int) -> DepolarisedCompiled:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number."""
        return replace(self, survival=self.survival**scale)

    @property
    def _random_mean(self) -> float:
        """Mean cost of a uniform bit string."""
        ansatz = self.ansatz
        return float(ansatz.constant + ansatz.linear.sum() / 2 + ansatz.quadratic.sum() / 4)


def gate_count_noise(ideal: Floats, random: float, survival: float) -> Floats:
    """Return random + (ideal - random) survival, with survival = (1 - error)^(two-qubit gates).

    >>> float(gate_count_noise(np.float64(0.887), 0.5, (1 - 0.003) ** 180).round(12))
    0.725340607662
    """
    return random + (ideal - random) * survival
