"""Minimising the mean cost over angles, or over any linear parametrisation of them.

Everything runs in dimensionless coordinates (angles in units, cost over the change by one move),
so that one step size fits all instances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qfl.core.errors import ConfigError
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

    From exact values this is the best point seen. From samples it is where the optimiser ended,
    because the lowest of many noisy values is biased.

    Raises:
        ConfigError: exact values are asked of a backend that samples.
    """
    if not landscape.exact and not training.shots_per_evaluation:
        raise ConfigError(
            "this backend samples, so training on it needs shots_per_evaluation > 0 and "
            "optimiser 'spsa' or 'cobyla'; or train elsewhere: training_backend='subspace'"
        )
    meter = _Meter(landscape, chart, training, rng)
    if training.optimiser == "spsa":
        return _spsa(meter, start, training.evaluations, rng)
    try:
        if training.optimiser == "lbfgs":
            end = minimize(meter.with_gradient, start, jac=True, method="L-BFGS-B").x
        else:
            simplex = len(start) + 2  # fewer, and COBYLA complains; the meter still stops it
            options = {"maxiter": max(training.evaluations, simplex), "rhobeg": 0.15}
            end = minimize(meter, start, method="COBYLA", options=options).x
    except _BudgetSpent:
        end = meter.best
    return meter.best if not training.shots_per_evaluation else end


class _BudgetSpent(Exception):
    """Ends an optimiser of scipy that does not count as strictly as we do."""


class _Meter:
    """The dimensionless mean cost over the coordinates; remembers the best point."""

    def __init__(
        self, landscape: Landscape, chart: Chart, training: Training, rng: np.random.Generator
    ) -> None:
        self.landscape, self.chart, self.training, self.rng = landscape, chart, training, rng
        gamma = gamma_unit(landscape)
        self.units = np.array([[gamma], [beta_unit(landscape.mixer, landscape.encoding.blocks)]])
        self.cost_unit = 2.0 / gamma
        self.used, self.lowest = 0, np.inf
        self.best: Vector = np.zeros(0)

    def __call__(self, vector: Vector) -> float:
        self._count()
        angles = self.units * self.chart.angles(vector)
        shots = self.training.shots_per_evaluation
        if shots:
            value = self.landscape.estimate(angles, shots, self.rng)
        else:
            value = self.landscape.value(angles)
        return self._seen(value / self.cost_unit, vector)

    def with_gradient(self, vector: Vector) -> tuple[float, Vector]:
        self._count()
        value, gradient = self.landscape.value_and_gradient(self.units * self.chart.angles(vector))
        pulled = self.chart.pull(self.units * gradient) / self.cost_unit
        return self._seen(value / self.cost_unit, vector), pulled

    def _count(self) -> None:
        if self.used >= self.training.evaluations:
            raise _BudgetSpent
        self.used += 1

    def _seen(self, value: float, vector: Vector) -> float:
        if value < self.lowest:
            self.lowest, self.best = value, vector.copy()
        return value


def _spsa(meter: _Meter, start: Vector, evaluations: int, rng: np.random.Generator) -> Vector:
    """Return the end of simultaneous-perturbation descent with the usual decays.

    Reference:
        Spall, IEEE Trans. Aerosp. Electron. Syst. 34 (1998) 817, section III.
    """
    vector = start.copy()
    steps = evaluations // 2
    for step in range(steps):
        width = 0.1 / (step + 1) ** 0.101
        rate = 0.05 / (step + 1 + 0.1 * steps) ** 0.602
        signs = rng.choice([-1.0, 1.0], size=len(vector))
        difference = meter(vector + width * signs) - meter(vector - width * signs)
        vector = vector - rate * difference / (2 * width) * signs
    return vector
