"""Smaller problems from larger ones: fix variables, or tie one variable to another.

Both are affine maps x = A y + b with one entry of +1 or -1 per free variable, so that one
substitution serves them all and the energy of y is the energy of x, constant included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import (
    AtMost,
    Constraint,
    Exactly,
    ExactlyEach,
    Limited,
    Movable,
    OneHot,
    Unconstrained,
)
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """A smaller problem and the way back: x = matrix @ y + offset.

    Attributes:
        problem: over the free variables.
        matrix: (n, m) with entries -1, 0 or 1.
        offset: (n,) with entries 0 or 1.
    """

    problem: Problem
    matrix: NDArray[np.int8]
    offset: NDArray[np.int8]

    def lift(self, y: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the x that `y` stands for."""
        return (self.matrix @ y.astype(np.int8) + self.offset).astype(np.uint8)


def restrict(problem: Problem, free: NDArray[np.intp], x: NDArray[np.uint8]) -> Reduced:
    """Return the problem over the variables `free`, all others fixed at their value in `x`.

    >>> problem = Problem("k", Qubo(0, [1, 2, 3], np.zeros((3, 3))), Exactly(2), ("a", "b", "c"))
    >>> small = restrict(problem, np.array([0, 2]), np.array([1, 1, 0], np.uint8)).problem
    >>> small.constraint, small.qubo.constant, small.names
    (Exactly(k=1), 2.0, ('a', 'c'))
    """
    matrix = np.zeros((problem.n, len(free)), dtype=np.int8)
    matrix[free, np.arange(len(free))] = 1
    offset = x.astype(np.int8)
    offset[free] = 0
    smaller = Problem(
        kind=problem.kind,
        qubo=substitute(problem.qubo, matrix, offset),
        constraint=_restricted(problem.constraint, free, offset),
        names=tuple(problem.names[i] for i in free),
    )
    return Reduced(smaller, matrix, offset)


def tie(problem: Problem, kept: int, removed: int, *, equal: bool) -> Reduced:
    """Return the unconstrained problem without `removed`, which equals `kept` or its opposite."""
    if not isinstance(problem.constraint, Unconstrained):
        raise ProblemError(
            f"tying variables does not keep {problem.constraint}; fix single variables instead"
        )
    free = np.delete(np.arange(problem.n), removed)
    matrix = np.zeros((problem.n, len(free)), dtype=np.int8)
    matrix[free, np.arange(len(free))] = 1
    matrix[removed, np.searchsorted(free, kept)] = 1 if equal else -1
    offset = np.zeros(problem.n, dtype=np.int8)
    offset[removed] = 0 if equal else 1
    smaller = Problem(
        kind=problem.kind,
        qubo=substitute(problem.qubo, matrix, offset),
        constraint=Unconstrained(),
        names=tuple(problem.names[i] for i in free),
    )
    return Reduced(smaller, matrix, offset)


def substitute(qubo: Qubo, matrix: NDArray[np.int8], offset: NDArray[np.int8]) -> Qubo:
    """Return the objective of y where x = matrix @ y + offset."""
    a, b = matrix.astype(np.float64), offset.astype(np.float64)
    form = a.T @ qubo.quadratic @ a
    slope = a.T @ (qubo.linear + (qubo.quadratic + qubo.quadratic.T) @ b)
    form[np.diag_indices_from(form)] += slope
    return Qubo.from_matrix(form, constant=float(qubo.energy(b)))


def _restricted(
    constraint: Constraint, free: NDArray[np.intp], offset: NDArray[np.int8]
) -> Constraint:
    """Return the constraint on the free variables, given the fixed ones."""
    place = {int(variable): at for at, variable in enumerate(free)}
    if isinstance(constraint, Exactly):
        return Exactly(constraint.k - int(offset.sum()))
    if isinstance(constraint, ExactlyEach):
        parts = [
            (tuple(place[v] for v in block if v in place), ones - int(offset[list(block)].sum()))
            for block, ones in constraint.parts
        ]
        return ExactlyEach(tuple(part for part in parts if part[0]))
    if isinstance(constraint, OneHot):
        groups = [tuple(place[v] for v in group if v in place) for group in constraint.groups]
        fixed = [int(offset[list(group)].sum()) for group in constraint.groups]
        if any(bool(group) == bool(ones) for group, ones in zip(groups, fixed, strict=True)):
            raise ProblemError(
                "every one-hot group must either keep free variables or hold its one among the "
                "fixed; free whole groups"
            )
        return OneHot(tuple(group for group in groups if group))
    if isinstance(constraint, AtMost):
        weights = np.array(constraint.weights)
        return AtMost(tuple(weights[free]), max(0.0, constraint.budget - float(weights @ offset)))
    if isinstance(constraint, Limited):
        rows = np.array(constraint.rows).reshape(-1, len(offset))
        left = np.array(constraint.limits) - rows @ offset
        base = _restricted(constraint.base, free, offset)
        if not isinstance(base, Movable):
            raise ProblemError(f"a limited constraint cannot rest on {base}")
        return Limited(base, tuple(map(tuple, rows[:, free].tolist())), tuple(left.tolist()))
    if isinstance(constraint, Unconstrained):
        return constraint
    raise ProblemError(
        f"variables of a problem under {type(constraint).__name__} cannot be fixed one by one; "
        "allowed: Exactly, OneHot, ExactlyEach, AtMost, Limited, Unconstrained. Say fixed numbers "
        "of ones in blocks by ExactlyEach"
    )
