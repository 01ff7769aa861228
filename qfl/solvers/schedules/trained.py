"""Angles trained for one instance, starting where similar instances ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.options import check_choice
from qfl.solvers.schedules.descent import Chart, Training, train
from qfl.solvers.schedules.ramp import linear_ramp
from qfl.solvers.schedules.tables import transfer_angles
from qfl.solvers.schedules.units import in_units

STARTS = ("transfer", "linear_ramp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """L-BFGS on exact gradients, or COBYLA or SPSA, within a budget of evaluations.

    Attributes:
        evaluations: the most evaluations of the mean cost; a gradient comes with its value.
        optimiser: "lbfgs" (exact backends), "cobyla" or "spsa".
        shots_per_evaluation: shots behind one value; 0 means exact values.
        start: "transfer" (the table of this mixer) or "linear_ramp".
    """

    evaluations: int = 30
    optimiser: str = "lbfgs"
    shots_per_evaluation: int = 0
    start: str = "transfer"

    def __post_init__(self) -> None:
        check_choice("start", self.start, STARTS)
        self.training()

    def training(self) -> Training:
        """Return how to train; raises ConfigError if the options contradict each other."""
        return Training(
            evaluations=self.evaluations,
            optimiser=self.optimiser,
            shots_per_evaluation=self.shots_per_evaluation,
        )

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the trained angles."""
        if self.start == "transfer":
            start = transfer_angles(landscape.mixer, depth)
        else:
            start = linear_ramp(depth, delta_gamma=0.8, delta_beta=0.8)
        chart = Chart.free(depth)
        vector = train(landscape, start.ravel(), chart, self.training(), rng)
        return in_units(landscape, chart.angles(vector))
