"""Uniform feasible draws: the floor that every other solver must beat."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """One uniform feasible draw, without looking at the objective."""

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return a uniformly drawn feasible decision."""
        started = perf_counter()
        x = problem.constraint.sample(problem.n, 1, rng)[0]
        bill = Bill(classical_seconds=perf_counter() - started)
        return Decision.of(problem, x, solver="random", bill=bill, diagnostics=_UNIFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomBest:
    """The best of `shots` uniform feasible draws: what a sampler with no idea would reach.

    Attributes:
        shots: number of draws.
        postprocess: what is done with the decision, one of POSTPROCESSES.
    """

    shots: int
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("shots", self.shots)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best drawn decision."""
        started = perf_counter()
        samples = problem.constraint.sample(problem.n, self.shots, rng)
        found = pick(problem, Counts.of(samples), postprocess=self.postprocess)
        bill = Bill(
            evaluations=found.evaluations,
            shots=self.shots,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem,
            found.x,
            solver="random_best",
            bill=bill,
            diagnostics={**found.diagnostics, **_UNIFORM},
        )


_UNIFORM = {"distribution": "uniform"}
"""Of one sample, before any post-processing: every feasible state is equally likely."""
