"""Greedy construction: one variable after the other, always the cheapest next one."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Movable
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.moves import Slopes
from qfl.solvers.options import check_choice
from qfl.solvers.postprocess import POSTPROCESSES, improve, repair


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy:
    """Fills the fixed ones of every block, or adds while it helps; ties go to the lowest index.

    With `postprocess="one_swap"` this is the greedy + one-swap baseline.

    Attributes:
        postprocess: what is done with the decision, one of POSTPROCESSES.
    """

    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the greedy decision; `rng` is not used."""
        started = perf_counter()
        x, evaluations = construct(problem)
        repaired = repair(problem, x)
        found = improve(problem, repaired.x, self.postprocess)
        bill = Bill(
            evaluations=evaluations + repaired.evaluations + found.evaluations,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem, found.x, solver="greedy", bill=bill, diagnostics=found.diagnostics
        )


def construct(problem: Problem) -> tuple[NDArray[np.uint8], int]:
    """Return a greedily built x and the number of marginal energies it took.

    It may be infeasible where inequalities block the last choices.
    """
    n = problem.n
    blocks = problem.constraint.blocks(n)
    left = {variables: ones for variables, ones in blocks}
    block_of = {v: variables for variables, _ in blocks for v in variables}
    slopes = Slopes.of(problem.qubo)
    x, evaluations = np.zeros(n, dtype=np.uint8), 0
    while True:
        open_variables = [v for v in range(n) if not x[v] and (not blocks or left[block_of[v]])]
        candidates = _allowed(problem, x, np.array(open_variables, dtype=np.intp))
        evaluations += len(candidates)
        if not len(candidates):
            return x, evaluations
        marginals = slopes.at(x)[candidates]
        best = int(candidates[np.argmin(marginals)])
        if not blocks and marginals.min() >= 0:
            return x, evaluations
        x[best] = 1
        if blocks:
            left[block_of[best]] -= 1


def _allowed(
    problem: Problem, x: NDArray[np.uint8], candidates: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the candidates that do not add violation; all of them where only blocks count."""
    if isinstance(problem.constraint, Movable) or not len(candidates):
        return candidates
    added = np.tile(x, (len(candidates), 1))
    added[np.arange(len(candidates)), candidates] = 1
    violations = problem.constraint.violation(added)
    return candidates[violations <= problem.constraint.violation(x)]
