"""How `data/client_selection.json` was made, so that anyone can make it again.

>>> rows = client_selection_rows("xy_complete", [tuning_instance(0)], deepest=1)
>>> [(row["mixer"], row["depth"]) for row in rows]
[('xy_complete', 1)]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qfl.core.constraints import Exactly
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.core.rng import Streams
from qfl.solvers.encoding import encode
from qfl.solvers.exact import spectrum
from qfl.solvers.landscape import Landscape, open_backend
from qfl.solvers.schedules.tables import resampled
from qfl.solvers.schedules.units import in_units

SIZES = ((8, 3), (10, 3), (12, 4), (12, 3))
WEIGHTS = (0.5, 1.0, 2.0)

Vector = NDArray[np.float64]


def tuning_instance(seed: int) -> Problem:
    """Return one of the instances of the table: random utilities, random label overlap."""
    n, k = SIZES[seed % len(SIZES)]
    rng = Streams(seed)("instance")
    shares = rng.dirichlet(np.full(10, 0.3), size=n)
    directions = shares / np.linalg.norm(shares, axis=1, keepdims=True)
    weight = WEIGHTS[seed % len(WEIGHTS)]
    overlap = weight * np.triu(directions @ directions.T, 1)
    qubo = Qubo(0.0, -rng.uniform(0.5, 1.5, size=n), overlap)
    return Problem("tuning", qubo, Exactly(k), tuple(f"c{i}" for i in range(n)))


def client_selection_rows(
    mixer: str, problems: Sequence[Problem], *, deepest: int
) -> list[dict[str, Any]]:
    """Return one row per depth 1..deepest: the angles, in units, best for `problems` on average.

    The figure of merit is the mean approximation ratio. Each depth starts from the resampled
    angles of the one before, so the rows change smoothly with the depth.
    """
    scenes = [_Scene(problem, mixer) for problem in problems]
    angles, rows = np.array([[0.55], [-0.65]]), []
    for depth in range(1, deepest + 1):
        start = resampled(angles, depth).ravel()
        found = minimize(_mean_loss, start, args=(scenes,), jac=True, method="L-BFGS-B")
        angles = found.x.reshape(2, depth)
        gammas, betas = angles.round(4)
        row = {"depth": depth, "gamma": gammas.tolist(), "beta": (-betas).tolist()}
        rows.append({"mixer": mixer, **row})
    return rows


class _Scene:
    """The loss of one instance, 0 at its optimum and 1 at its worst state, over angles in units."""

    def __init__(self, problem: Problem, mixer: str) -> None:
        self.landscape = Landscape(problem, encode(problem, mixer), mixer, open_backend("subspace"))
        self.units = in_units(self.landscape, np.ones((2, 1)))
        found = spectrum(problem)
        self.optimum, self.range = found.optimum, found.worst - found.optimum

    def loss(self, vector: Vector) -> tuple[float, Vector]:
        angles = self.units * vector.reshape(2, -1)
        value, gradient = self.landscape.value_and_gradient(angles)
        return (value - self.optimum) / self.range, (self.units * gradient).ravel() / self.range


def _mean_loss(vector: Vector, scenes: list[_Scene]) -> tuple[float, Vector]:
    values, gradients = zip(*(scene.loss(vector) for scene in scenes), strict=True)
    return float(np.mean(values)), np.mean(gradients, axis=0)
