"""The cost of one instance as a function of the angles, with a meter running.

A schedule looks at a `Landscape` to choose angles; whatever it asks for is counted here, so that
training is on the bill. Angles have shape (2, depth): row 0 gammas, row 1 betas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.core.arrays import real
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, ConfigError
from qfl.core.ports import Backend, Compiled, ExactCompiled, Objective, OnDevice
from qfl.core.problem import Problem
from qfl.core.registry import Registry, Row, load
from qfl.solvers.encoding import Encoding, encode

Angles = NDArray[np.float64]
T = TypeVar("T")

OBJECTIVES = Registry(
    "objective",
    {
        "mean": Row("qfl.simulators.objectives:Mean", "the mean cost"),
        "cvar": Row("qfl.simulators.objectives:Cvar", "the mean of the best part of the samples"),
        "gibbs": Row("qfl.simulators.objectives:Gibbs", "rewards low costs exponentially"),
    },
)


class Landscape:
    """One instance under one mixer on one backend.

    Attributes:
        problem, encoding, mixer: what is minimised and how the circuit sees it.
        objective: what training minimises; None for the mean cost.
        exact: whether values, gradients and distributions are computed, not estimated.
        evaluations, shots: asked for so far.
        quantum_seconds: real seconds spent inside the backend so far.
    """

    def __init__(
        self,
        problem: Problem,
        encoding: Encoding,
        mixer: str,
        backend: Backend,
        *,
        objective: Objective | None = None,
    ) -> None:
        if mixer not in backend.capabilities.mixers:
            raise BackendError(
                f"backend {backend.capabilities.name!r} does not run mixer {mixer!r}; "
                f"allowed: {', '.join(backend.capabilities.mixers)}"
            )
        self.problem, self.encoding, self.mixer = problem, encoding, mixer
        self.objective = objective
        self.exact = backend.capabilities.exact
        self.evaluations = self.shots = 0
        self.quantum_seconds = 0.0
        self._backend = backend
        self._compiled: dict[int, Compiled] = {}
        self._family = QaoaAnsatz(
            constant=encoding.qubo.constant,
            linear=encoding.qubo.linear,
            quadratic=encoding.qubo.quadratic,
            mixer=mixer,
            depth=0,
            blocks=encoding.blocks,
            initial=encoding.initial,
            bias=encoding.bias,
        )

    def ansatz(self, depth: int) -> QaoaAnsatz:
        """Return the circuit family at `depth`."""
        return replace(self._family, depth=depth)

    def value(self, angles: Angles) -> float:
        """Return the exact objective at `angles`."""
        if self.objective is not None:
            return self.value_and_gradient(angles)[0]
        self.evaluations += 1
        return self.mean(angles)

    def value_and_gradient(self, angles: Angles) -> tuple[float, Angles]:
        """Return the exact objective at `angles` and its gradient, counted as one evaluation."""
        self.evaluations += 1
        value, gradient = self._run(
            angles,
            lambda compiled: cast(ExactCompiled, compiled).value_and_gradient(
                angles, objective=self.objective
            ),
        )
        return float(value), gradient

    def estimate(self, angles: Angles, shots: int, rng: np.random.Generator) -> float:
        """Return the objective over `shots` samples at `angles`."""
        self.evaluations += 1
        counts = self.sample(angles, shots, rng)
        energies, weights = self.encoding.qubo.energy(counts.states), counts.shots / shots
        if self.objective is None:
            return float(energies @ weights)
        return float(self.objective.prepare(energies)(weights[:, None])[0][0])

    def sample(self, angles: Angles, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at `angles`."""
        self.shots += shots
        return self._run(angles, lambda compiled: compiled.sample(angles, shots, rng))

    def mean(self, angles: Angles) -> float:
        """Return the mean cost at `angles`; for diagnostics, so not counted."""
        return self._run(angles, lambda compiled: float(compiled.expectation(angles)))

    def distribution(self, angles: Angles) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return states (m, n) and their probabilities (m,); for diagnostics, so not counted.

        Raises:
            BackendError: the backend samples.
        """
        if not self.exact:
            raise BackendError(
                f"backend {self._backend.capabilities.name!r} samples and does not list states; "
                "use an exact backend, for instance 'subspace' or 'statevector'"
            )
        return self._run(
            angles, lambda compiled: cast(ExactCompiled, compiled).distribution(angles)
        )

    def execution(self, depth: int) -> Execution | None:
        """Return how the circuit of this depth ran, None if it was not run on a device."""
        compiled = self._compiled.get(depth)
        return compiled.execution() if isinstance(compiled, OnDevice) else None

    def prepare(self, depth: int) -> None:
        """Compile the circuit of this depth, so that what does not fit is refused now."""
        started = perf_counter()
        if depth not in self._compiled:
            self._compiled[depth] = self._backend.compile(self.ansatz(depth))
        self.quantum_seconds += perf_counter() - started

    def _run(self, angles: Angles, ask: Callable[[Compiled], T]) -> T:
        depth = angles.shape[-1]
        self.prepare(depth)
        started = perf_counter()
        answer = ask(self._compiled[depth])
        self.quantum_seconds += perf_counter() - started
        return answer


def open_backend(backend: str | Backend, options: Mapping[str, Any] | None = None) -> Backend:
    """Return `backend` itself, or the one of that name with `options`.

    The table of backends is reached by name because solvers and backends do not import each other.
    """
    if not isinstance(backend, str):
        return backend
    opened: Backend = load("qfl.backends:get_backend")(backend, **(options or {}))
    return opened


def qaoa_expectation(
    problem: Problem,
    gammas: ArrayLike,
    betas: ArrayLike,
    *,
    mixer: str = "xy_complete",
    backend: str | Backend = "subspace",
) -> float:
    """Return the exact mean cost of `problem` after QAOA with these angles.

    Args:
        problem: the instance. Under mixer "x" it must be unconstrained: price an equality into
            the objective first, with `penalised(problem, penalty=weight)`.
        gammas, betas: (depth,) float, radians; towards the minimum means gamma > 0, beta < 0.
        mixer: one of circuits.qaoa.MIXERS.
        backend: the name of an exact backend, or the backend.

    Raises:
        ConfigError: angles of different or wrong lengths, or not finite.
        BackendError: the backend is not exact or does not run the mixer.

    >>> from qfl.problems import client_selection
    >>> problem = client_selection(utility=[3, 1, 1, 1], redundancy=[[0] * 4] * 4, choose=1)
    >>> round(qaoa_expectation(problem, [], []), 12), problem.qubo.n
    (-1.5, 4)
    """
    scene, angles = _scene(problem, gammas, betas, mixer, backend)
    return scene.value(angles)


def qaoa_distribution(
    problem: Problem,
    gammas: ArrayLike,
    betas: ArrayLike,
    *,
    mixer: str = "xy_complete",
    backend: str | Backend = "subspace",
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return states (m, n) and probabilities (m,) after QAOA; arguments as `qaoa_expectation`."""
    scene, angles = _scene(problem, gammas, betas, mixer, backend)
    return scene.distribution(angles)


def _scene(
    problem: Problem,
    gammas: ArrayLike,
    betas: ArrayLike,
    mixer: str,
    backend: str | Backend,
) -> tuple[Landscape, Angles]:
    opened = open_backend(backend)
    if mixer == "x" and problem.constraint.blocks(problem.n):
        raise ConfigError(
            f"mixer 'x' does not keep {problem.constraint}; price it into the objective with "
            "qfl.solvers.penalised(problem, penalty=weight), or use an XY mixer"
        )
    scene = Landscape(problem, encode(problem, mixer), mixer, opened)
    return scene, as_angles(gammas, betas)


def as_angles(gammas: ArrayLike, betas: ArrayLike) -> Angles:
    """Return gammas and betas as one finite array of shape (2, depth)."""
    try:
        rows = [np.atleast_1d(real(row)) for row in (gammas, betas)]
    except (TypeError, ValueError):
        raise ConfigError(
            f"gammas and betas must be lists of real numbers, got {gammas!r} and {betas!r}"
        ) from None
    if rows[0].ndim != 1 or rows[0].shape != rows[1].shape:
        raise ConfigError(
            f"gammas and betas must be two lists of one length, got shapes {rows[0].shape} "
            f"and {rows[1].shape}"
        )
    angles = np.array(rows)
    if not np.isfinite(angles).all():
        raise ConfigError(f"angles must be finite, got {angles.tolist()}")
    return angles
