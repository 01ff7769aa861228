"""How a constraint reaches the circuit: kept by the mixer, priced by a penalty, or filtered.

XY and Grover mixers never leave the blocks they start in, so equalities need no penalty. The
transverse mixer "x" reaches everything, so every equality becomes weight * (sum x - ones)^2.
Inequalities are either filtered from the samples or priced by an unbalanced penalty, which needs
no slack qubits. Which rule chose which weight is part of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import MIXERS, Blocks
from qfl.core.constraints import AtMost, Limited, Unconstrained
from qfl.core.errors import ConfigError, ProblemError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.solvers.options import check_choice
from qfl.solvers.scale import move_scale

PENALTY_RULES = ("largest_flip", "sum_of_coefficients")
INEQUALITIES = ("filter", "unbalanced")


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """The cost that the circuit sees, the blocks that its mixer keeps, and how both came about.

    Attributes:
        qubo, blocks: of the circuit.
        record: rules and weights, for the diagnostics.
        initial, bias: a warm start, as in QaoaAnsatz.
    """

    qubo: Qubo
    blocks: Blocks
    record: Mapping[str, float | str]
    initial: NDArray[np.complex128] | None = None
    bias: NDArray[np.float64] | None = None


def encode(
    problem: Problem,
    mixer: str,
    *,
    penalty: float | str = "largest_flip",
    inequality: str = "filter",
) -> Encoding:
    """Return what to run for `problem` under `mixer`.

    Args:
        problem: the instance.
        mixer: one of circuits.qaoa.MIXERS.
        penalty: the weight of an equality under "x", or the rule that chooses it.
        inequality: one of INEQUALITIES; only where the constraint has inequalities.

    Raises:
        ProblemError: an XY mixer, but no block has a fixed number of ones.
    """
    check_choice("mixer", mixer, MIXERS)
    check_choice("inequality", inequality, INEQUALITIES)
    blocks = problem.constraint.blocks(problem.n)
    if mixer.startswith("xy") and not blocks:
        raise ProblemError(
            f"mixer {mixer!r} needs blocks with a fixed number of ones, but the constraint is "
            f"{problem.constraint}; use mixer 'x'"
        )
    check_penalty(penalty)
    qubo, record = problem.qubo, dict[str, float | str]()
    if mixer == "x" and blocks:
        weight, rule = penalty_weight(problem.qubo, penalty)
        qubo = qubo + equality_penalty(problem).scaled(weight)
        record |= {"penalty_weight": weight, "penalty_rule": rule}
    if inequalities(problem):
        record["inequality"] = inequality
    if inequality == "unbalanced":
        scale = move_scale(problem.qubo, blocks)
        for row, limit in inequalities(problem):
            qubo = qubo + unbalanced_penalty(row, limit).scaled(scale)
    return Encoding(qubo, () if mixer == "x" else blocks, record)


def penalised(
    problem: Problem, *, penalty: float | str = "largest_flip", inequality: str = "filter"
) -> Problem:
    """Return the unconstrained problem with every equality priced into the objective.

    Inequalities are priced too with inequality="unbalanced", and dropped with "filter".

    >>> from qfl.core.constraints import Exactly
    >>> problem = Problem("toy", Qubo(0, [-1, -1], np.zeros((2, 2))), Exactly(1), ("a", "b"))
    >>> penalised(problem, penalty=3.0).qubo.energy([[0, 0], [0, 1], [1, 1]]).tolist()
    [3.0, -1.0, 1.0]
    """
    encoding = encode(problem, "x", penalty=penalty, inequality=inequality)
    return Problem(
        kind=problem.kind,
        qubo=encoding.qubo,
        constraint=Unconstrained(),
        names=problem.names,
        decode=problem.decode,
    )


def equality_penalty(problem: Problem) -> Qubo:
    """Return sum over blocks of (sum x - ones)^2, zero exactly where all equalities hold."""
    matrix, constant = np.zeros((problem.n, problem.n)), 0.0
    for variables, ones in problem.constraint.blocks(problem.n):
        matrix[np.ix_(variables, variables)] += 1.0
        matrix[list(variables), list(variables)] -= 2.0 * ones
        constant += float(ones**2)
    return Qubo.from_matrix(matrix, constant=constant)


def inequalities(problem: Problem) -> list[tuple[NDArray[np.float64], float]]:
    """Return every inequality of the constraint as (row, limit), row . x <= limit."""
    constraint = problem.constraint
    if isinstance(constraint, AtMost):
        return [(np.array(constraint.weights), constraint.budget)]
    if isinstance(constraint, Limited):
        pairs = zip(constraint.rows, constraint.limits, strict=True)
        return [(np.array(row), limit) for row, limit in pairs]
    return []


def unbalanced_penalty(row: NDArray[np.float64], limit: float) -> Qubo:
    """Return l1 g + l2 g^2 with g = (row . x - limit) / max |row|, small while g <= 0.

    Reference:
        Montanez-Barrera, Willsch, Maldonado-Romo, Michielsen, arXiv:2211.13914, eq. 9;
        l1 = 0.9603 and l2 = 0.0371 are its values for the travelling salesman.
    """
    largest = float(np.abs(row).max()) or 1.0
    slope, offset = row / largest, -limit / largest
    matrix = 0.0371 * np.outer(slope, slope)
    matrix[np.diag_indices_from(matrix)] += (0.9603 + 2 * 0.0371 * offset) * slope
    return Qubo.from_matrix(matrix, constant=0.9603 * offset + 0.0371 * offset**2)


def check_penalty(penalty: float | str) -> None:
    """Do nothing if `penalty` is a positive weight or one of PENALTY_RULES.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(penalty, str):
        check_choice("penalty rule", penalty, PENALTY_RULES)
    elif isinstance(penalty, bool) or not 0 < penalty < np.inf:
        raise ConfigError(
            f"penalty must be a positive number or one of {', '.join(PENALTY_RULES)}, "
            f"got {penalty!r}"
        )


def penalty_weight(qubo: Qubo, penalty: float | str) -> tuple[float, str]:
    """Return the weight of an equality penalty and the rule that chose it.

    "largest_flip" is one percent above a bound on the change that one flip can cause: a flip
    towards the equality then always gains, so no infeasible x is a minimum. "sum_of_coefficients"
    is larger and flattens the landscape more. A number is taken as it is.
    """
    check_penalty(penalty)
    if not isinstance(penalty, str):
        return float(penalty), "given"
    size, pairs = np.abs(qubo.linear), np.abs(qubo.quadratic)
    if penalty == "largest_flip":
        bound = float((size + pairs.sum(0) + pairs.sum(1)).max())
    else:
        bound = float(size.sum() + pairs.sum())
    return (1.01 * bound if bound > 0 else 1.0), penalty
