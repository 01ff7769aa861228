"""Instances beyond one device: solve random blocks of variables, all others held fixed.

A block is a subset of the variables (with chosen and unchosen ones among them, where their number
is fixed) or of whole one-hot groups. A block's decision is kept only if the true objective
improves, so the objective never rises; the end is optimal block by block, not globally.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Limited, OneHot
from qfl.core.decision import Bill, Decision
from qfl.core.errors import CapacityError, ConfigError
from qfl.core.ports import Solver
from qfl.core.problem import Problem
from qfl.solvers import SOLVERS
from qfl.solvers.options import check_count
from qfl.solvers.restrict import restrict


@dataclass(frozen=True, slots=True, kw_only=True)
class Decompose:
    """Block-coordinate descent with any solver inside.

    Attributes:
        block: the most variables per block: what the inner solver's backend can take.
        neighbours: fill a block with the variables most coupled to it instead of random ones.
        inner, inner_options: the solver of a block.
        start, start_options: the solver of the first decision; cheap and classical.
        idle_sweeps: sweeps without any gain after which the search stops.
        max_sweeps: the most sweeps; one sweep visits every variable once.
    """

    block: int = 12
    neighbours: bool = False
    inner: str = "qaoa"
    inner_options: Mapping[str, Any] = field(default_factory=dict)
    start: str = "greedy"
    start_options: Mapping[str, Any] = field(default_factory=dict)
    idle_sweeps: int = 2
    max_sweeps: int = 20

    def __post_init__(self) -> None:
        check_count("block", self.block, least=2)
        check_count("idle_sweeps", self.idle_sweeps)
        check_count("max_sweeps", self.max_sweeps)
        if "decompose" in (self.inner, self.start):
            raise ConfigError("'decompose' cannot be its own inner solver or start")
        for role in ("inner", "start"):
            options = SOLVERS.configure(getattr(self, role), getattr(self, f"{role}_options"))
            object.__setattr__(self, f"{role}_options", asdict(options))

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return a decision that no visited block improves."""
        started = perf_counter()
        first = SOLVERS.configure(self.start, self.start_options).solve(problem, rng=rng)
        inner: Solver = SOLVERS.configure(self.inner, self.inner_options)
        x, energy, bill = first.x, first.energy, first.bill
        sweeps = idle = blocks = 0
        while idle < self.idle_sweeps and sweeps < self.max_sweeps:
            sweeps, idle = sweeps + 1, idle + 1
            for core in partition(problem, self.block, rng):
                order = self._candidates(problem, core, rng)
                reduced = restrict(problem, fill(problem, x, core, order, self.block), x)
                found = inner.solve(reduced.problem, rng=rng)
                bill, blocks = bill + found.bill, blocks + 1
                candidate = reduced.lift(found.x)
                value = float(problem.qubo.energy(candidate))
                gain = energy - value
                if gain > 1e-12 * max(1.0, abs(energy)) and problem.is_feasible(candidate):
                    x, energy, idle = candidate, value, 0
        spent = perf_counter() - started - bill.classical_seconds - bill.qpu_seconds
        return Decision.of(
            problem,
            x,
            solver="decompose",
            bill=bill + Bill(evaluations=blocks, classical_seconds=max(0.0, spent)),
            diagnostics={
                "inner": self.inner,
                "block": float(self.block),
                "sweeps": float(sweeps),
                "blocks": float(blocks),
                "start_energy": first.energy,
            },
        )

    def _candidates(
        self, problem: Problem, core: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Return the variables outside `core`, in the order in which a block takes them."""
        outside = rng.permutation(np.setdiff1d(np.arange(problem.n), core))
        if not self.neighbours:
            return outside
        coupling = np.abs(problem.qubo.quadratic + problem.qubo.quadratic.T)[core].sum(0)
        return outside[np.argsort(-coupling[outside], kind="stable")]


def partition(problem: Problem, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Yield disjoint sets of variables that cover all, each with room left in a block of `size`.

    Raises:
        CapacityError: a one-hot group is larger than a block.
    """
    groups = _groups(problem)
    if groups:
        yield from _group_blocks(groups, size, rng)
        return
    room, order = size - size // 3, rng.permutation(problem.n)
    owner = _owners(problem)
    if owner.max() > 0:  # variables of one block stay together, or they could not swap
        order = order[np.argsort(rng.permutation(owner.max() + 1)[owner[order]], kind="stable")]
    yield from np.array_split(order, -(-problem.n // room))


def fill(
    problem: Problem,
    x: NDArray[np.uint8],
    core: NDArray[np.intp],
    candidates: NDArray[np.intp],
    size: int,
) -> NDArray[np.intp]:
    """Return `core` filled up to `size` variables, sorted; first with the kind that it lacks.

    Where the number of ones is fixed, a core without a chosen or without an unchosen variable of
    some block could not change that block. One-hot groups stay whole, so they are not filled up.
    """
    if _groups(problem):
        return np.sort(core)
    owner = _owners(problem)
    held = np.zeros((owner.max() + 1, 2), dtype=np.bool_)
    held[owner[core], x[core]] = True
    missing = held[owner[candidates]].any(1) & ~held[owner[candidates], x[candidates]]
    candidates = candidates[np.argsort(~missing, kind="stable")]
    return np.sort(np.concatenate([core, candidates[: size - len(core)]]))


def _owners(problem: Problem) -> NDArray[np.intp]:
    """Return the block (n,) that each variable belongs to; 0 where nothing is fixed."""
    owner = np.zeros(problem.n, dtype=np.intp)
    for block, (variables, _) in enumerate(problem.constraint.blocks(problem.n)):
        owner[list(variables)] = block
    return owner


def _groups(problem: Problem) -> tuple[tuple[int, ...], ...]:
    constraint = problem.constraint
    base = constraint.base if isinstance(constraint, Limited) else constraint
    return base.groups if isinstance(base, OneHot) else ()


def _group_blocks(
    groups: tuple[tuple[int, ...], ...], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    largest = max(len(group) for group in groups)
    if largest > size:
        raise CapacityError(
            f"a one-hot group has {largest} variables, more than a block of {size}; raise block"
        )
    block: list[int] = []
    for index in rng.permutation(len(groups)):
        group = groups[index]
        if len(block) + len(group) > size:
            yield np.sort(np.array(block))
            block = []
        block += group
    yield np.sort(np.array(block))
