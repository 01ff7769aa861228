"""The best variables by their own coefficient alone: what ignoring redundancy costs."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.options import check_choice
from qfl.solvers.postprocess import POSTPROCESSES, improve, repair


@dataclass(frozen=True, slots=True, kw_only=True)
class TopK:
    """Fills every block with the lowest linear coefficients; where nothing is fixed, takes the
    negative ones. Inequalities are met by repair.

    Attributes:
        postprocess: what is done with the decision, one of POSTPROCESSES.
    """

    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the decision by linear coefficients; `rng` is not used."""
        started = perf_counter()
        repaired = repair(problem, lowest(problem, problem.qubo.linear))
        found = improve(problem, repaired.x, self.postprocess)
        bill = Bill(
            evaluations=repaired.evaluations + found.evaluations,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem, found.x, solver="top_k", bill=bill, diagnostics=found.diagnostics
        )


def lowest(problem: Problem, prices: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the x that minimises `prices` . x over the equality constraints.

    >>> from qfl.core.constraints import Exactly
    >>> from qfl.core.qubo import Qubo
    >>> problem = Problem("k", Qubo(0, np.zeros(3), np.zeros((3, 3))), Exactly(2), ("a", "b", "c"))
    >>> lowest(problem, np.array([3.0, 1.0, 2.0])).tolist()
    [0, 1, 1]
    """
    blocks = problem.constraint.blocks(problem.n)
    if not blocks:
        return (prices < 0).astype(np.uint8)
    x = np.zeros(problem.n, dtype=np.uint8)
    for variables, ones in blocks:
        block = np.array(variables)
        x[block[np.argsort(prices[block], kind="stable")[:ones]]] = 1
    return x
