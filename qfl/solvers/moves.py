"""Single moves between decisions and what they change in the objective.

Where the constraint fixes the ones of a block, a move swaps a chosen with an unchosen variable of
that block; otherwise it flips one variable. Index n stands for "no variable", so that flips and
swaps are the same pair (off, on): `off` becomes 0, `on` becomes 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Movable, Unconstrained
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Linear and symmetric quadratic coefficients, padded by one zero for "no variable"."""

    linear: NDArray[np.float64]
    quadratic: NDArray[np.float64]

    @classmethod
    def of(cls, qubo: Qubo) -> Slopes:
        """Return the padded coefficients of `qubo`."""
        return cls(np.pad(qubo.linear, (0, 1)), np.pad(qubo.quadratic + qubo.quadratic.T, (0, 1)))

    def at(self, x: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return, for every variable, the change of turning it on given the others; (n + 1,)."""
        return self.linear + self.quadratic[:, :-1] @ x

    def change(self, slopes: NDArray[np.float64], off: Indices, on: Indices) -> NDArray[np.float64]:
        """Return the change of the objective for each move, given the slopes at x."""
        return slopes[on] - slopes[off] - self.quadratic[off, on]


def moves(problem: Problem, x: NDArray[np.uint8]) -> tuple[Indices, Indices]:
    """Return every feasible single move from the feasible `x` as (off, on).

    >>> from qfl.core.constraints import Exactly
    >>> problem = Problem("k", Qubo(0, np.zeros(3), np.zeros((3, 3))), Exactly(1), ("a", "b", "c"))
    >>> [pair.tolist() for pair in moves(problem, np.array([1, 0, 0], np.uint8))]
    [[0, 0], [1, 2]]
    """
    blocks = problem.constraint.blocks(problem.n)
    if blocks:
        pairs = [swaps(x, np.asarray(variables)) for variables, _ in blocks]
    else:
        pairs = [_flips(x)]
        if not isinstance(problem.constraint, Unconstrained):
            pairs.append(swaps(x, np.arange(problem.n)))
    off = np.concatenate([pair[0] for pair in pairs])
    on = np.concatenate([pair[1] for pair in pairs])
    if isinstance(problem.constraint, Movable):
        return off, on
    kept = problem.is_feasible(moved(x, off, on))
    return off[kept], on[kept]


def moved(x: NDArray[np.uint8], off: Indices, on: Indices) -> NDArray[np.uint8]:
    """Return `x` after each move, shape (moves, n)."""
    rows = np.tile(np.append(x, np.uint8(0)), (len(off), 1))
    np.put_along_axis(rows, off[:, None], 0, axis=1)
    np.put_along_axis(rows, on[:, None], 1, axis=1)
    return rows[:, :-1]


def swaps(x: NDArray[np.uint8], variables: Indices) -> tuple[Indices, Indices]:
    """Return every swap of a chosen with an unchosen one of `variables`, as (off, on)."""
    ones, zeros = variables[x[variables] == 1], variables[x[variables] == 0]
    return np.repeat(ones, len(zeros)), np.tile(zeros, len(ones))


def _flips(x: NDArray[np.uint8]) -> tuple[Indices, Indices]:
    index = np.arange(len(x))
    return np.where(x == 1, index, len(x)), np.where(x == 1, len(x), index)
