"""Zero-noise extrapolation: means at larger noise, continued to none. Never for samples.

Reference: Temme, Bravyi and Gambetta, arXiv:1612.02058; gate folding as in Giurgica-Tiron et al.,
arXiv:2005.10921.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.gates import execution_of, folded
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import Capabilities, Compiled

Fit = Literal["richardson", "linear", "exponential"]


@dataclass(frozen=True, slots=True)
class ZeroNoise:
    """A backend whose mean costs are extrapolated to zero noise.

    Attributes:
        backend, backend_options: what it wraps, another mitigation too; it must give means, and
            its circuits must fold, as those of "aer" do, of "noise:depolarising", and of "qiskit"
            with `mean_shots`.
        scales: odd numbers of 1 or more, ascending: how often every two-qubit gate is repeated.
        fit: the polynomial through all points, a straight line, or an exponential decay towards
            the mean of a uniform bit string.
    """

    backend: str
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    scales: tuple[int, ...] = (1, 3, 5)
    fit: Fit = "richardson"

    def __post_init__(self) -> None:
        odd = all(
            isinstance(each, int | np.integer) and each > 0 and each % 2 for each in self.scales
        )
        if len(self.scales) < 2 or not odd or list(self.scales) != sorted(set(self.scales)):
            raise ConfigError(
                f"scales must be two or more ascending odd numbers of 1 or more: {self.scales}"
            )
        if self.fit not in get_args(Fit):
            raise ConfigError(f"unknown fit {self.fit!r}; allowed: {get_args(Fit)}")

    @property
    def capabilities(self) -> Capabilities:
        """Those of the wrapped backend, under this name."""
        inner = get_backend(self.backend, **self.backend_options).capabilities
        return Capabilities("mitigation:zero_noise", False, inner.mixers, inner.max_qubits)

    def compile(self, ansatz: QaoaAnsatz) -> ZeroNoiseCompiled:
        """Return the ansatz compiled once per scale.

        Raises:
            BackendError: the backend's circuits do not fold.
        """
        compiled = get_backend(self.backend, **self.backend_options).compile(ansatz)
        noisier = tuple(folded(compiled, scale) for scale in self.scales)
        return ZeroNoiseCompiled(noisier, self.scales, self.fit, _random_mean(ansatz))


@dataclass(frozen=True, slots=True, eq=False)
class ZeroNoiseCompiled:
    """One ansatz at several noise scales."""

    at_scales: tuple[Compiled, ...]
    scales: tuple[int, ...]
    fit: Fit
    random_mean: float

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the mean cost continued to zero noise, shape (...)."""
        values = np.array([compiled.expectation(angles) for compiled in self.at_scales])
        return extrapolated(self.scales, values, fit=self.fit, limit=self.random_mean)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Refuse: an extrapolated mean has no samples behind it.

        Raises:
            BackendError: always.
        """
        raise BackendError(
            "zero-noise extrapolation is for expectations, never for samples; sample the wrapped "
            "backend, or mitigate with 'mitigation:readout' or 'mitigation:post_selection'"
        )

    def execution(self) -> Execution | None:
        """Return how the wrapped ansatz runs at its own noise, and that means are extrapolated."""
        return execution_of(self.at_scales[0], "zero_noise")


def extrapolated(
    scales: Sequence[float], values: ArrayLike, *, fit: Fit = "richardson", limit: float = 0.0
) -> NDArray[np.float64]:
    """Return values (scales, ...) continued to scale 0, shape (...).

    Args:
        scales: (s,) noise scales, distinct.
        values: measured there.
        fit: see `ZeroNoise`.
        limit: what an exponential decays towards.

    >>> float(extrapolated([1, 3, 5], [0.9, 0.7, 0.5]).round(12))
    1.0
    """
    at, seen = np.asarray(scales, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if fit == "exponential":
        away = seen - limit
        if not (np.sign(away) == np.sign(away[0])).all():
            return extrapolated(scales, seen, fit="linear")
        logs = extrapolated(scales, np.log(np.abs(away)), fit="linear")
        return np.asarray(limit + np.sign(away[0]) * np.exp(logs))
    if fit == "linear":
        centred = at - at.mean()
        slope = np.tensordot(centred, seen, axes=1) / (centred @ centred)
        return np.asarray(seen.mean(0) - slope * at.mean())
    others = at[:, None] - at + np.eye(len(at))
    weights = np.prod(np.where(np.eye(len(at), dtype=bool), 1.0, -at / others), axis=1)
    return np.asarray(np.tensordot(weights, seen, axes=1))


def _random_mean(ansatz: QaoaAnsatz) -> float:
    return float(ansatz.constant + ansatz.linear.sum() / 2 + ansatz.quadratic.sum() / 4)
