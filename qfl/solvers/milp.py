"""Mixed-integer programming with proof: HiGHS through scipy, products linearised.

Every product x_i x_j with a coefficient becomes a variable y_ij in [0, 1]. A positive coefficient
needs y >= x_i + x_j - 1; a negative one y <= x_i and y <= x_j. Where a block fixes its ones, the
products with all its variables are tied by sum_j y_ij = (ones - [i in block]) x_i, which makes the
relaxation far tighter (reformulation-linearisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from qfl.core.constraints import AtMost, Limited, Movable
from qfl.core.decision import Bill, Decision
from qfl.core.errors import CapacityError, ProblemError
from qfl.core.problem import Problem
from qfl.solvers.options import check_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Milp:
    """HiGHS branch and bound; `gap` in the diagnostics is 0 when optimality is proven.

    It solves linear programmes and evaluates no objective: `nodes` in the diagnostics counts them.

    Attributes:
        time_limit_seconds: after which the best decision and bound so far are returned.
    """

    time_limit_seconds: float = 60.0

    def __post_init__(self) -> None:
        check_positive("time_limit_seconds", self.time_limit_seconds)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best decision found with a proven lower bound; `rng` is not used.

        Raises:
            CapacityError: no feasible decision was found within the time limit.
        """
        started = perf_counter()
        model = _Model.of(problem)
        found = milp(
            model.cost,
            constraints=model.constraints,
            integrality=model.integrality,
            bounds=Bounds(0, 1),
            options={"time_limit": self.time_limit_seconds, "mip_rel_gap": 0.0},
        )
        if found.x is None:
            raise CapacityError(
                f"no feasible decision within {self.time_limit_seconds:g} s ({found.message}); "
                "raise time_limit_seconds or use solver 'annealing'"
            )
        x = np.round(found.x[: problem.n]).astype(np.uint8)
        bound = problem.qubo.constant + float(found.mip_dual_bound)
        energy = float(problem.qubo.energy(x))
        bound = min(bound, energy)
        return Decision.of(
            problem,
            x,
            solver="milp",
            bill=Bill(classical_seconds=perf_counter() - started),
            bound=bound,
            proof="milp",
            diagnostics={
                "gap": energy - bound,
                "products": float(model.products),
                "nodes": float(found.mip_node_count),
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Columns: the n variables, then one column per product."""

    cost: NDArray[np.float64]
    integrality: NDArray[np.int64]
    constraints: list[LinearConstraint]
    products: int

    @classmethod
    def of(cls, problem: Problem) -> _Model:
        n = problem.n
        quadratic = problem.qubo.quadratic.copy()
        for variables, ones in problem.constraint.blocks(n):
            if ones == 1:
                quadratic[np.ix_(variables, variables)] = 0.0  # such products are always 0
        first, second = np.nonzero(quadratic)
        weights = quadratic[first, second]
        products = len(weights)
        blocks = _ties(problem, first, second)
        inequalities = [_mccormick(n, first, second, weights), *_limits(problem, products)]
        return cls(
            cost=np.concatenate([problem.qubo.linear, weights]),
            integrality=np.concatenate([np.ones(n, np.int64), np.zeros(products, np.int64)]),
            constraints=[rows for rows in [*inequalities, *blocks] if rows is not None],
            products=products,
        )


def _mccormick(
    n: int, first: NDArray[np.intp], second: NDArray[np.intp], weights: NDArray[np.float64]
) -> LinearConstraint | None:
    """Return y >= x_i + x_j - 1 where the weight is positive, y <= x_i and y <= x_j elsewhere."""
    if not len(weights):
        return None
    column = n + np.arange(len(weights))
    up, down = np.flatnonzero(weights > 0), np.flatnonzero(weights < 0)
    row_up, row_i = np.arange(len(up)), len(up) + np.arange(len(down))
    row_j = row_i + len(down)
    rows = np.concatenate([row_up, row_up, row_up, row_i, row_i, row_j, row_j])
    columns = np.concatenate(
        [first[up], second[up], column[up], column[down], first[down], column[down], second[down]]
    )
    signs = np.repeat([1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], [len(up)] * 3 + [len(down)] * 4)
    limit = np.concatenate([np.ones(len(up)), np.zeros(2 * len(down))])
    matrix = csr_array((signs, (rows, columns)), shape=(len(limit), n + len(weights)))
    return LinearConstraint(matrix, ub=limit)


def _ties(
    problem: Problem, first: NDArray[np.intp], second: NDArray[np.intp]
) -> list[LinearConstraint]:
    """Return the fixed ones of every block, and the same equations multiplied by every x_i."""
    n, products = problem.n, len(first)
    column = np.full((n, n), -1)
    column[first, second] = column[second, first] = n + np.arange(products)
    rows, low, high = [], [], []
    for variables, ones in problem.constraint.blocks(n):
        total = np.zeros(n + products)
        total[list(variables)] = 1.0
        rows.append(total)
        low.append(float(ones))
        high.append(float(ones))
        for i in range(n) if products else ():
            inside = i in variables
            partners = [column[i, j] for j in variables if j != i and column[i, j] >= 0]
            if not partners:
                continue
            missing = len(variables) - inside - len(partners)
            for slack, lows, highs in ((missing, 0.0, np.inf), (0, -np.inf, 0.0)):
                tie = np.zeros(n + products)
                tie[partners] = 1.0
                tie[i] -= ones - inside - slack
                rows.append(tie)
                low.append(lows)
                high.append(highs)
    return [LinearConstraint(csr_array(np.array(rows)), low, high)] if rows else []


def _limits(problem: Problem, products: int) -> list[LinearConstraint]:
    """Return the inequalities of the constraint over all columns."""
    constraint = problem.constraint
    if isinstance(constraint, Movable):
        return []
    if isinstance(constraint, AtMost):
        rows, limits = np.array([constraint.weights]), [constraint.budget]
    elif isinstance(constraint, Limited):
        rows, limits = np.array(constraint.rows).reshape(-1, problem.n), list(constraint.limits)
    else:
        raise ProblemError(
            f"solver 'milp' cannot write {type(constraint).__name__} as linear rows; "
            "allowed: Exactly, OneHot, ExactlyEach, AtMost, Limited, Unconstrained"
        )
    padded = np.pad(rows, ((0, 0), (0, products)))
    return [LinearConstraint(csr_array(padded), ub=limits)] if len(limits) else []
