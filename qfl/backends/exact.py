"""A compiled ansatz whose state is computed: what the exact backends hand out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.arrays import real
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import Figure, Objective
from qfl.simulators import evolution
from qfl.simulators.memory import require
from qfl.simulators.objectives import Mean

Floats = NDArray[np.float64]


def check_options(name: str, precision: str, device: str) -> None:
    """Do nothing if an exact backend can be configured so.

    Raises:
        ConfigError: another precision or device.
    """
    for option, value, allowed in (
        ("precision", precision, ("double", "single")),
        ("device", device, ("cpu", "cuda")),
    ):
        if value not in allowed:
            raise ConfigError(
                f"{option} of backend {name!r} must be one of {', '.join(allowed)}, got {value!r}"
            )


def checked_angles(angles: ArrayLike, depth: int) -> Floats:
    """Return angles as a finite array (..., 2, depth).

    Raises:
        BackendError: another shape, an empty batch, or no finite numbers.
    """
    shape = f"(..., 2, {depth}), gammas then betas"
    try:
        array = real(angles)
    except (TypeError, ValueError):
        raise BackendError(
            f"angles must be real numbers of shape {shape}, got {angles!r}"
        ) from None
    if array.ndim < 2 or array.shape[-2:] != (2, depth) or 0 in array.shape[:-2]:
        raise BackendError(f"angles must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise BackendError(f"angles must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def check_shots(shots: int) -> None:
    """Do nothing if a backend can be asked for so many shots.

    Raises:
        BackendError: not a whole number of at least one.
    """
    if isinstance(shots, bool) or not isinstance(shots, int | np.integer) or shots < 1:
        raise BackendError(f"a sample needs a whole number of at least 1 shot, got {shots!r}")


class Tabled(evolution.Engine, Protocol):
    """An engine with the costs of its states on the host."""

    table: Floats


class States(Tabled, Protocol):
    """An engine that can name its states."""

    n: int
    dimension: int

    def states(self, ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the states with these places in the outer order as rows (len(ranks), n)."""
        ...

    def amplitudes(self, angles: Floats) -> NDArray[Any]:
        """Return the final state (states,) in the outer order for angles (2, depth)."""
        ...

    def reordered(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return a vector (states, ...) of the inner order in the outer one."""
        ...


class Values:
    """Means, gradients and probabilities of one ansatz on an exact engine."""

    def __init__(self, engine: Tabled, depth: int) -> None:
        self.engine, self.depth = engine, depth
        self._figures: dict[Objective, Figure] = {}

    def expectation(self, angles: ArrayLike, *, objective: Objective | None = None) -> Floats:
        """Return the objective (default: mean cost), shape (...)."""
        batch, shape = self._batch(angles)
        found = evolution.values(self.engine, batch, self._figure(objective))
        return found.reshape(shape)

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[Floats, Floats]:
        """Return the objective (default: mean cost), shape (...), and its gradient (..., 2, p)."""
        batch, shape = self._batch(angles)
        value, gradient = evolution.values_and_gradients(
            self.engine, batch, self._figure(objective)
        )
        return value.reshape(shape), gradient.reshape(*shape, 2, self.depth)

    def probabilities(self, angles: ArrayLike) -> Floats:
        """Return the probabilities (m,) at one angle set, in the inner order of the engine."""
        return evolution.probabilities(self.engine, self.one(angles))[:, 0]

    def one(self, angles: ArrayLike) -> Floats:
        """Return one angle set as a batch (1, 2, depth).

        Raises:
            BackendError: more than one.
        """
        batch, shape = self._batch(angles)
        if shape:
            raise BackendError(
                f"samples and distributions take one angle set of shape (2, {self.depth}), "
                f"got {np.shape(angles)}"
            )
        return batch

    def _figure(self, objective: Objective | None) -> Figure | None:
        """Return the figure of an objective; None for the mean, which needs no distribution."""
        if objective is None or objective == Mean():
            return None
        if objective not in self._figures:
            self._figures[objective] = objective.prepare(self.engine.table)
        return self._figures[objective]

    def _batch(self, angles: ArrayLike) -> tuple[Floats, tuple[int, ...]]:
        """Return angles as (columns, 2, depth), and the shape (...) that was in front."""
        array = checked_angles(angles, self.depth)
        columns = int(np.prod(array.shape[:-2]))
        return array.reshape(columns, 2, self.depth), array.shape[:-2]


class ExactlyCompiled:
    """One ansatz on an exact engine; angles are (..., 2, depth), gammas then betas."""

    def __init__(self, engine: States, depth: int) -> None:
        self.engine, self.depth = engine, depth
        self._values = Values(engine, depth)

    def expectation(self, angles: ArrayLike, *, objective: Objective | None = None) -> Floats:
        """Return the objective (default: mean cost), shape (...)."""
        return self._values.expectation(angles, objective=objective)

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[Floats, Floats]:
        """Return the objective (default: mean cost), shape (...), and its gradient (..., 2, p)."""
        return self._values.value_and_gradient(angles, objective=objective)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], Floats]:
        """Return all states (m, n), in the engine's order, and their probabilities (m,).

        Raises:
            CapacityError: the list does not fit the memory.
        """
        count, n = self.engine.dimension, self.engine.n
        advice = "ask for an expectation, or sample"
        require(count * (9 * n + 32), what=f"a list of {count:,} states", advice=advice)
        everything = np.arange(self.engine.dimension)
        mass = self._values.probabilities(angles)
        return self.engine.states(everything), self.engine.reordered(mass)

    def amplitudes(self, angles: ArrayLike) -> NDArray[np.complex128]:
        """Return the final amplitudes (m,) of the states that `distribution` lists."""
        (one,) = self._values.one(angles)
        return np.asarray(self.engine.amplitudes(one), dtype=np.complex128)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` independent measurements at one angle set."""
        check_shots(shots)
        cumulative = np.cumsum(self.engine.reordered(self._values.probabilities(angles)))
        drawn = np.searchsorted(cumulative, rng.random(shots) * cumulative[-1], side="right")
        ranks, counts = np.unique(drawn, return_counts=True)
        return Counts.of(self.engine.states(ranks), counts)
