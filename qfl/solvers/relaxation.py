"""Continuous relaxation and rounding, with a valid lower bound.

On binary x the terms mu (x_i^2 - x_i) vanish; the smallest mu that makes the objective convex is
added. Frank-Wolfe minimises it over the convex hull of the equality constraints, where its linear
step is a sort, and its duality gap turns any iterate into a lower bound. The iterate is rounded to
the largest entries of every block. Where entries are equal, as all are on MaxCut, a random
direction decides along which the convex objective is flat: eigenvectors of the least eigenvalue.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, improve, repair
from qfl.solvers.scale import uniform
from qfl.solvers.top_k import lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """Convexified relaxation and rounding; ties are broken at random along its flat directions.

    Attributes:
        iterations: the most Frank-Wolfe steps, each one gradient of the relaxed objective.
        postprocess: applied to the rounded decision.
    """

    iterations: int = 200
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("iterations", self.iterations)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the rounded decision with a proven bound."""
        started = perf_counter()
        point, bound, steps = relax(problem, iterations=self.iterations)
        prices = 0.5 - point - _TILT * flat_direction(problem, rng)
        repaired = repair(problem, lowest(problem, prices))
        found = improve(problem, repaired.x, self.postprocess)
        bill = Bill(
            evaluations=steps + repaired.evaluations + found.evaluations,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem,
            found.x,
            solver="relaxation",
            bill=bill,
            bound=min(bound, float(problem.qubo.energy(found.x))),
            proof="bound",
            diagnostics=found.diagnostics,
        )


def relax(problem: Problem, *, iterations: int) -> tuple[NDArray[np.float64], float, int]:
    """Return a near-optimal point of the convex relaxation, a lower bound, and the steps taken.

    Reference:
        Jaggi, ICML 2013 (duality gap); Hammer and Rubin 1970 (convexification by the spectrum).
    """
    hessian = problem.qubo.quadratic + problem.qubo.quadratic.T
    shift = max(0.0, -float(np.linalg.eigvalsh(hessian).min()))
    hessian = hessian + shift * np.eye(problem.n)
    linear = problem.qubo.linear - shift / 2
    point, bound, steps = uniform(problem), -np.inf, 0
    while steps < iterations:
        steps += 1
        gradient = linear + hessian @ point
        value = problem.qubo.constant + float((linear + gradient) @ point) / 2
        direction = lowest(problem, gradient) - point
        slope = float(gradient @ direction)
        bound = max(bound, value + slope)
        if -slope <= 1e-9 * max(1.0, abs(value)):
            break
        curvature = float(direction @ hessian @ direction)
        point = point + direction * (min(1.0, -slope / curvature) if curvature > 0 else 1.0)
    return point, bound, steps


def flat_direction(problem: Problem, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random unit vector (n,) along which the quadratic form is smallest.

    Rounding MaxCut by its signs is the spectral cut.

    Reference:
        Delorme and Poljak, Math. Programming 62 (1993) 557 (the eigenvalue bound of MaxCut).
    """
    eigenvalues, vectors = np.linalg.eigh(problem.qubo.quadratic + problem.qubo.quadratic.T)
    lowest_ones = eigenvalues - eigenvalues[0] <= 1e-9 * max(1.0, abs(float(eigenvalues[0])))
    vector = vectors[:, lowest_ones] @ rng.standard_normal(int(lowest_ones.sum()))
    return np.asarray(vector / np.linalg.norm(vector))


_TILT = 1e-6  # below what 0.5 - x of two entries that differ is apart
