"""Tabu search: always the best move that is not forbidden, even uphill."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.moves import Slopes, moved, moves
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, improve


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabu:
    """Best-improvement search with a short memory, feasible by construction.

    Attributes:
        evaluations: the budget; every move looked at is one, and so is the start.
        tenure: for how many steps a variable that just changed may not change again, unless the
            move leads to a new best.
        postprocess: applied to the best state seen, on top of the budget and on the bill.

    Reference:
        Glover, ORSA J. Comput. 1 (1989) 190.
    """

    evaluations: int
    tenure: int = 4
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("evaluations", self.evaluations)
        check_count("tenure", self.tenure, least=0)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best state seen from a uniform feasible start."""
        started = perf_counter()
        start = problem.constraint.sample(problem.n, 1, rng)[0]
        best, used = self._search(problem, start)
        found = improve(problem, best, self.postprocess)
        bill = Bill(
            evaluations=used + found.evaluations, classical_seconds=perf_counter() - started
        )
        return Decision.of(
            problem, found.x, solver="tabu", bill=bill, diagnostics=found.diagnostics
        )

    def _search(self, problem: Problem, x: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
        slopes = Slopes.of(problem.qubo)
        free_at = np.zeros(problem.n + 1, dtype=np.int64)
        best, current, lowest, used, step = x, 0.0, 0.0, 1, 0
        while True:
            off, on = moves(problem, x)
            left = self.evaluations - used
            if not len(off) or left <= 0:
                return best, used
            off, on = off[:left], on[:left]
            used, step = used + len(off), step + 1
            changes = slopes.change(slopes.at(x), off, on)
            forbidden = np.maximum(free_at[off], free_at[on]) > step
            forbidden &= current + changes >= lowest
            if forbidden.all():
                continue
            chosen = int(np.argmin(np.where(forbidden, np.inf, changes)))
            x = moved(x, off[chosen : chosen + 1], on[chosen : chosen + 1])[0]
            current += float(changes[chosen])
            free_at[[off[chosen], on[chosen]]] = step + 1 + self.tenure
            free_at[-1] = 0
            if current < lowest - 1e-12 * max(1.0, abs(current)):
                best, lowest = x, current
