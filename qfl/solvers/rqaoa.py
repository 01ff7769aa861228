"""Recursive QAOA: run, fix what the state is surest about, and go on with a smaller problem.

Without a constraint the surest spin or pair of spins is eliminated: z_i = +-1 or z_i = +-z_j.
Where a block fixes its ones, a pair cannot be tied without leaving the block, so the variable whose
mean moved furthest from its uniform value is fixed instead. What is small enough is enumerated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Movable
from qfl.core.decision import Bill, Decision
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.solvers.exact import spectrum
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, improve
from qfl.solvers.qaoa import Qaoa, inner_options
from qfl.solvers.restrict import Reduced, restrict, tie
from qfl.solvers.scale import uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class Rqaoa:
    """QAOA correlations, one elimination per run, exact at the end.

    Attributes:
        shots: samples behind the correlations of one step.
        qaoa: further fields of `qaoa`, for instance depth, backend, mixer, schedule.
        cutoff: feasible states at or below which the rest is enumerated.
        postprocess: one of POSTPROCESSES, applied at the end.

    Reference:
        Bravyi, Kliesch, Koenig, Tang, arXiv:1910.08980, section V.
    """

    shots: int
    qaoa: Mapping[str, Any] = field(default_factory=dict)
    cutoff: int = 16
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("cutoff", self.cutoff)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)
        options = inner_options(self.shots, self.qaoa, solver="rqaoa")
        object.__setattr__(self, "qaoa", options)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the decision that the eliminations lead to.

        Raises:
            ProblemError: inequalities; a fixed variable could make them unsatisfiable.
        """
        if not isinstance(problem.constraint, Movable):
            raise ProblemError(
                f"solver 'rqaoa' cannot keep {type(problem.constraint).__name__}; allowed: "
                "Exactly, OneHot, ExactlyEach, Unconstrained"
            )
        started = perf_counter()
        sampler = Qaoa(shots=self.shots, **self.qaoa)
        steps: list[Reduced] = []
        bill, current = Bill(), problem
        while current.constraint.feasible_count(current.n) > self.cutoff:
            run = sampler.run(current, rng)
            bill = bill + run.bill
            steps.append(eliminate(current, run.counts.samples()))
            current = steps[-1].problem
        last = spectrum(current)
        x = last.x
        for step in reversed(steps):
            x = step.lift(x)
        found = improve(problem, x, self.postprocess)
        spent = perf_counter() - started - bill.classical_seconds - bill.qpu_seconds
        bill = bill + Bill(
            evaluations=last.states + found.evaluations, classical_seconds=max(0.0, spent)
        )
        diagnostics = {"eliminations": float(len(steps)), **found.diagnostics}
        return Decision.of(problem, found.x, solver="rqaoa", bill=bill, diagnostics=diagnostics)


def eliminate(problem: Problem, samples: NDArray[np.uint8]) -> Reduced:
    """Return the smaller problem after one elimination.

    Args:
        problem: with fixed blocks, or unconstrained.
        samples: (shots, n) of which the means and correlations are taken.
    """
    blocks = problem.constraint.blocks(problem.n)
    if not blocks:
        return _eliminate_spin(problem, samples)
    means, expected = samples.mean(0), uniform(problem)
    room = np.where(means > expected, 1.0 - expected, expected)
    decided = (expected == 0) | (expected == 1)
    surety = np.where(decided, np.inf, np.abs(means - expected) / np.where(decided, 1.0, room))
    chosen = int(np.argmax(surety))
    value = int(means[chosen] > expected[chosen] or expected[chosen] == 1)
    return _fixed(problem, chosen, value)


def _fixed(problem: Problem, variable: int, value: int) -> Reduced:
    """Fix one variable, and with it those that its block then decides."""
    x, fixed = np.zeros(problem.n, dtype=np.uint8), [variable]
    x[variable] = value
    for variables, ones in problem.constraint.blocks(problem.n):
        if variable in variables:
            rest = [v for v in variables if v != variable]
            if ones - value in (0, len(rest)):
                x[rest] = ones - value > 0
                fixed += rest
    return restrict(problem, np.setdiff1d(np.arange(problem.n), fixed), x)


def _eliminate_spin(problem: Problem, samples: NDArray[np.uint8]) -> Reduced:
    spins = 1.0 - 2.0 * samples
    means = spins.mean(0)
    pairs = np.triu(spins.T @ spins / len(spins), 1)
    single, (first, second) = (
        int(np.argmax(np.abs(means))),
        np.unravel_index(np.argmax(np.abs(pairs)), pairs.shape),
    )
    if np.abs(means[single]) > np.abs(pairs[first, second]):
        return _fixed(problem, single, int(means[single] < 0))
    return tie(problem, int(first), int(second), equal=bool(pairs[first, second] > 0))
