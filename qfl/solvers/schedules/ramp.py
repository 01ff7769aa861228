"""Linear ramps: two numbers instead of two per layer, and no training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.options import check_choice, check_positive
from qfl.solvers.schedules.units import UNITS, in_units


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearRamp:
    """gamma_k = delta_gamma k / p and beta_k = -delta_beta (1 - (k - 1) / p), in units.

    With unit="max_weight", delta_gamma=0.6 and delta_beta=0.3 on the mixer "x" this is the
    published LR-QAOA.

    Attributes:
        delta_gamma, delta_beta: both positive; the sign that leads to the minimum is applied here.
        unit: of gamma, see `units.gamma_unit`. With "none" both are plain radians.

    Reference:
        Montanez-Barrera and Michielsen, arXiv:2405.09169.
    """

    delta_gamma: float = 0.8
    delta_beta: float = 0.8
    unit: str = "move"

    def __post_init__(self) -> None:
        check_positive("delta_gamma", self.delta_gamma)
        check_positive("delta_beta", self.delta_beta)
        check_choice("unit", self.unit, UNITS)

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the ramp; `rng` is not used."""
        ramp = linear_ramp(depth, delta_gamma=self.delta_gamma, delta_beta=self.delta_beta)
        return ramp if self.unit == "none" else in_units(landscape, ramp, unit=self.unit)


def linear_ramp(depth: int, *, delta_gamma: float, delta_beta: float) -> Angles:
    """Return the ramp of shape (2, depth) in the project's sign convention.

    >>> linear_ramp(4, delta_gamma=0.6, delta_beta=0.3).round(3).tolist()
    [[0.15, 0.3, 0.45, 0.6], [-0.3, -0.225, -0.15, -0.075]]
    """
    layer = np.arange(1, depth + 1)
    steps = max(1, depth)
    return np.array([delta_gamma * layer / steps, -delta_beta * (1.0 - (layer - 1) / steps)])
