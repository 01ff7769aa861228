"""Simulated annealing on feasible states: swaps inside blocks, flips where nothing is fixed.

Every visited state is feasible by construction, which makes this the fair classical opponent of a
constraint-preserving mixer. One proposal is one evaluation, also when an inequality forbids it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Movable
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.solvers.moves import Slopes
from qfl.solvers.options import check_choice, check_count, check_positive
from qfl.solvers.postprocess import POSTPROCESSES, improve
from qfl.solvers.scale import move_scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Annealing:
    """One geometric cooling run of exactly `evaluations` objective values.

    Attributes:
        evaluations: the budget; the first is spent on a uniform feasible start.
        start_temperature, end_temperature: in units of the root mean square change of one move.
        postprocess: applied to the best state seen, on top of the budget and on the bill.
    """

    evaluations: int
    start_temperature: float = 1.0
    end_temperature: float = 0.05
    postprocess: str = "none"

    def __post_init__(self) -> None:
        check_count("evaluations", self.evaluations)
        check_positive("start_temperature", self.start_temperature)
        check_positive("end_temperature", self.end_temperature)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best state seen."""
        started = perf_counter()
        scale = move_scale(problem.qubo, problem.constraint.blocks(problem.n))
        temperatures = np.geomspace(
            scale * self.start_temperature, scale * self.end_temperature, self.evaluations - 1
        )
        best = anneal(problem, temperatures, rng)
        found = improve(problem, best, self.postprocess)
        bill = Bill(
            evaluations=self.evaluations + found.evaluations,
            classical_seconds=perf_counter() - started,
        )
        return Decision.of(
            problem, found.x, solver="annealing", bill=bill, diagnostics=found.diagnostics
        )


def anneal(
    problem: Problem, temperatures: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return the best state of one Metropolis run with one proposal per temperature."""
    x = problem.constraint.sample(problem.n, 1, rng)[0]
    always_feasible = isinstance(problem.constraint, Movable)
    proposals = _Proposals(problem, x)
    slopes = Slopes.of(problem.qubo)
    at_x = slopes.at(x)
    best, current, lowest = x.copy(), 0.0, 0.0
    draws = rng.random((len(temperatures), 4))
    for temperature, (u, v, w, accept) in zip(temperatures, draws.tolist(), strict=True):
        off, on = proposals.propose(u, v, w)
        change = at_x[on] - at_x[off] - slopes.quadratic[off, on]
        if change > 0 and accept >= np.exp(-change / temperature):
            continue
        if not always_feasible and not problem.is_feasible(proposals.preview(off, on)):
            continue
        proposals.accept()
        at_x += slopes.quadratic[on] - slopes.quadratic[off]
        current += change
        if current < lowest:
            lowest, best = current, proposals.x[:-1].copy()
    return best


class _Proposals:
    """Random moves from a state that is kept here; members[b] lists the ones of block b first."""

    def __init__(self, problem: Problem, x: NDArray[np.uint8]) -> None:
        blocks = [
            (list(variables), ones)
            for variables, ones in problem.constraint.blocks(problem.n)
            if 0 < ones < len(variables)
        ]
        self.x = np.append(x, np.uint8(0))
        self.members = [sorted(variables, key=lambda v: not x[v]) for variables, _ in blocks]
        self.ones = [ones for _, ones in blocks]
        sizes = np.array([ones * (len(v) - ones) for v, ones in blocks], dtype=np.float64)
        self.cumulative = (np.cumsum(sizes) / sizes.sum()).tolist() if blocks else []
        self.free = not problem.constraint.blocks(problem.n)
        self.last: tuple[int, int, int] | None = None
        self.move = (len(x), len(x))

    def propose(self, u: float, v: float, w: float) -> tuple[int, int]:
        """Return the (off, on) that three uniform numbers pick."""
        nothing = len(self.x) - 1
        if self.free:
            variable = int(u * nothing)
            self.move = (variable, nothing) if self.x[variable] else (nothing, variable)
        elif self.members:
            block = next(i for i, edge in enumerate(self.cumulative) if u < edge)
            ones, members = self.ones[block], self.members[block]
            i, j = int(v * ones), ones + int(w * (len(members) - ones))
            self.last, self.move = (block, i, j), (members[i], members[j])
        return self.move

    def preview(self, off: int, on: int) -> NDArray[np.uint8]:
        """Return the state after a move, without making it."""
        after = self.x.copy()
        after[off], after[on] = 0, 1
        return after[:-1]

    def accept(self) -> None:
        """Make the last proposed move."""
        off, on = self.move
        self.x[off], self.x[on] = 0, 1
        self.x[-1] = 0
        if self.last is not None:
            block, i, j = self.last
            members = self.members[block]
            members[i], members[j] = members[j], members[i]
