"""From samples to one decision: the same rule, with the same names, for every solver.

1. Keep the feasible samples. If there is one, the best of them is the pick.
2. If there is none, repair one: the sample of least violation, among equals the most frequent, by
   single flips; `repaired` in the diagnostics says so. (Repairing them all would be a search.)
3. `postprocess="one_swap"` then descends from the pick by best single moves.

Whatever a step evaluates is on the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.counts import Counts
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.solvers.moves import Slopes, moved, moves, swaps
from qfl.solvers.options import check_choice

POSTPROCESSES = ("none", "one_swap")


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """One x, how many objective values it took to find, and what happened on the way."""

    x: NDArray[np.uint8]
    evaluations: int
    diagnostics: Mapping[str, float | str]


def pick(
    problem: Problem, counts: Counts, *, postprocess: str = "none", asked: int | None = None
) -> Pick:
    """Return the decision that `counts` support.

    Args:
        problem: the instance that was sampled.
        counts: at least one shot.
        postprocess: one of POSTPROCESSES.
        asked: how many shots were asked for, if a backend has dropped some of them.

    >>> from qfl.core.constraints import Exactly
    >>> from qfl.core.qubo import Qubo
    >>> problem = Problem("k", Qubo(0, [3, 1, 2], np.zeros((3, 3))), Exactly(1), ("a", "b", "c"))
    >>> found = pick(problem, Counts.of([[1, 0, 0], [1, 1, 1]]))
    >>> found.x.tolist(), found.diagnostics["kept_fraction"]
    ([1, 0, 0], 0.5)
    >>> pick(problem, Counts.of([[1, 1, 1]])).diagnostics["repaired"]
    1.0
    """
    if counts.total == 0:
        raise ProblemError("no samples to decide from; ask for at least one shot")
    feasible = problem.is_feasible(counts.states)
    candidates, evaluations = counts.states[feasible], int(feasible.sum())
    if not evaluations:
        order = np.lexsort((-counts.shots, problem.constraint.violation(counts.states)))
        found = repair(problem, counts.states[order[0]])
        candidates, evaluations = found.x[None], found.evaluations
    best = candidates[np.argmin(problem.qubo.energy(candidates))]
    chosen = improve(problem, best, postprocess)
    return Pick(
        chosen.x,
        evaluations + chosen.evaluations,
        {
            "repaired": float(not feasible.any()),
            **_figures(problem, counts, feasible, asked or counts.total),
            **chosen.diagnostics,
        },
    )


def _figures(
    problem: Problem, counts: Counts, feasible: NDArray[np.bool_], asked: int
) -> dict[str, float]:
    """Return what the samples were worth; for diagnostics, so nothing of it is on the bill.

    Returns:
        kept_fraction, best_share: share of `asked` that is feasible, and as good as the best.
        sample_mean, feasible_mean: mean objective over all samples, and over the feasible ones.
    """
    energies, shots = problem.qubo.energy(counts.states), counts.shots
    found = {"kept_fraction": 0.0, "best_share": 0.0}
    found["sample_mean"] = float(energies @ shots / counts.total)
    if feasible.any():
        inside, weights = energies[feasible], shots[feasible]
        lowest = inside.min()
        best = inside <= lowest + 1e-12 * max(1.0, abs(lowest))
        found["kept_fraction"] = float(weights.sum() / asked)
        found["best_share"] = float(weights[best].sum() / asked)
        found["feasible_mean"] = float(inside @ weights / weights.sum())
    return found


def improve(problem: Problem, x: NDArray[np.uint8], postprocess: str) -> Pick:
    """Return `x` after the named post-processing."""
    check_choice("postprocess", postprocess, POSTPROCESSES)
    if postprocess == "none" or not problem.is_feasible(x):
        return Pick(x, 0, {"postprocess": "none"})
    found = one_swap(problem, x)
    before = float(problem.qubo.energy(x))
    return Pick(
        found.x,
        found.evaluations,
        {"postprocess": postprocess, "energy_before_postprocess": before},
    )


def one_swap(problem: Problem, x: NDArray[np.uint8]) -> Pick:
    """Return the local minimum that best single moves reach from the feasible `x`."""
    slopes, evaluations = Slopes.of(problem.qubo), 0
    tiny = 1e-12 * (
        1.0 + float(np.abs(slopes.linear).max()) + float(np.abs(slopes.quadratic).max())
    )
    while True:
        off, on = moves(problem, x)
        evaluations += len(off)
        changes = slopes.change(slopes.at(x), off, on)
        if not len(off) or changes.min() > -tiny:
            return Pick(x, evaluations, {})
        best = int(np.argmin(changes))
        x = moved(x, off[best : best + 1], on[best : best + 1])[0]


def repair(problem: Problem, x: NDArray[np.uint8]) -> Pick:
    """Return a feasible x near `x`: best single flips, by violation first and energy second.

    Where no flip lowers the violation, the best swap inside a block is tried. If that does not
    help either, the result is infeasible, and its Decision says so.
    """
    evaluations = 0
    violation = float(problem.constraint.violation(x))
    while violation > 0:
        for neighbours in (x ^ np.eye(problem.n, dtype=np.uint8), _block_swaps(problem, x)):
            violations = problem.constraint.violation(neighbours)
            evaluations += len(neighbours)
            if len(neighbours) and violations.min() < violation:
                break
        else:
            break
        x = neighbours[np.lexsort((problem.qubo.energy(neighbours), violations))[0]]
        violation = float(violations.min())
    return Pick(x, evaluations, {})


def _block_swaps(problem: Problem, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pairs = [swaps(x, np.array(block)) for block, _ in problem.constraint.blocks(problem.n)]
    rows = [moved(x, off, on) for off, on in pairs]
    return np.concatenate([*rows, np.zeros((0, problem.n), dtype=np.uint8)])
