"""Minimising the mean cost over angles, or over any linear parametrisation of them.

Everything runs in dimensionless coordinates (angles in units, cost over the change by one move),
so that one step size fits all instances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.solvers.budget import cobyla, lbfgs, spsa
from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.schedules.units import beta_unit, gamma_unit

OPTIMISERS = ("lbfgs", "cobyla", "spsa")
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How to train and what it may cost.

    Attributes:
        evaluations: the most evaluations of the mean cost; a gradient comes with its value.
        optimiser: one of OPTIMISERS.
        shots_per_evaluation: shots behind one value; 0 means exact values.
    """

    evaluations: int
    optimiser: str = "lbfgs"
    shots_per_evaluation: int = 0

    def __post_init__(self) -> None:
        check_count("evaluations", self.evaluations)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_count("shots_per_evaluation", self.shots_per_evaluation, least=0)
        if self.optimiser == "lbfgs" and self.shots_per_evaluation:
            raise ConfigError(
                "optimiser 'lbfgs' needs exact gradients, so shots_per_evaluation must be 0; "
                "use 'spsa' or 'cobyla' to train from samples"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Linear coordinates: gammas = gamma_rows @ u and betas = beta_rows @ v, in units.

    Attributes:
        gamma_rows, beta_rows: (depth, q) each; the vector of coordinates is (u, v).
    """

    gamma_rows: NDArray[np.float64]
    beta_rows: NDArray[np.float64]

    @classmethod
    def free(cls, depth: int) -> Chart:
        """Return the coordinates that are the angles themselves, in units."""
        return cls(np.eye(depth), np.eye(depth))

    def angles(self, vector: Vector) -> Angles:
        """Return the angles in units at `vector`."""
        split = self.gamma_rows.shape[1]
        return np.array([self.gamma_rows @ vector[:split], self.beta_rows @ vector[split:]])

    def pull(self, gradient: Angles) -> Vector:
        """Return the gradient by the coordinates from the gradient by the angles."""
        return np.concatenate([gradient[0] @ self.gamma_rows, gradient[1] @ self.beta_rows])


def train(
    landscape: Landscape,
    start: Vector,
    chart: Chart,
    training: Training,
    rng: np.random.Generator,
) -> Vector:
    """Return coordinates near a minimum; never more than `training.evaluations` are asked for.

    L-BFGS gives the best point seen. COBYLA and SPSA, which also work from samples, give the point
    where they ended, because the lowest of many noisy values is biased.

    Raises:
        ConfigError: exact values are asked of a backend that samples.
    """
    if not landscape.exact and not training.shots_per_evaluation:
        raise ConfigError(
            "this backend samples, so training on it needs shots_per_evaluation > 0 and "
            "optimiser 'spsa' or 'cobyla'; or train elsewhere: training_backend='subspace'"
        )
    scaled = _Scaled(landscape, chart, training.shots_per_evaluation, rng)
    evaluations = training.evaluations
    if training.optimiser == "lbfgs":
        return lbfgs(scaled.value_and_gradient, start, evaluations=evaluations).best
    if training.optimiser == "cobyla":
        return cobyla(scaled.value, start, evaluations=evaluations)
    return spsa(scaled.value, start, evaluations=evaluations, rng=rng)


class _Scaled:
    """The dimensionless objective over the coordinates of a chart."""

    def __init__(
        self, landscape: Landscape, chart: Chart, shots: int, rng: np.random.Generator
    ) -> None:
        self.landscape, self.chart, self.shots, self.rng = landscape, chart, shots, rng
        gamma = gamma_unit(landscape)
        self.units = np.array([[gamma], [beta_unit(landscape.mixer, landscape.encoding.blocks)]])
        self.cost_unit = 2.0 / gamma

    def value(self, vector: Vector) -> float:
        angles = self.units * self.chart.angles(vector)
        if self.shots:
            return self.landscape.estimate(angles, self.shots, self.rng) / self.cost_unit
        return self.landscape.value(angles) / self.cost_unit

    def value_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        value, gradient = self.landscape.value_and_gradient(self.units * self.chart.angles(vector))
        return value / self.cost_unit, self.chart.pull(self.units * gradient) / self.cost_unit
