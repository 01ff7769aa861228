"""What a uniform feasible x costs, in closed form: the mean, and how much one move changes it.

Both come from the coefficients alone, so knowing them is not an evaluation of the objective.
Under a constraint that fixes `ones` of a block's variables, any j distinct variables of the block
are all 1 with probability ones (ones - 1) ... / (size (size - 1) ...): the Dicke moments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Blocks
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo


def feasible_mean(problem: Problem) -> float:
    """Return the exact mean energy over the uniform feasible set of the equality constraints.

    Inequalities are ignored: the mean is over the blocks, or over all x where there are none.

    >>> from qfl.core.constraints import Exactly
    >>> from qfl.core.qubo import Qubo
    >>> qubo = Qubo(1.0, [3.0, 0.0, 0.0], [[0, 0, 3.0], [0, 0, 0], [0, 0, 0]])
    >>> round(feasible_mean(Problem("toy", qubo, Exactly(2), ("a", "b", "c"))), 12)
    4.0
    """
    n, qubo = problem.n, problem.qubo
    single = uniform(problem)
    pair = np.outer(single, single)
    for variables, ones in problem.constraint.blocks(n):
        inside = np.ix_(variables, variables)
        pair[inside] = _falling(ones, 2) / max(1.0, _falling(len(variables), 2))
    return qubo.constant + float(qubo.linear @ single + (qubo.quadratic * pair).sum())


def uniform(problem: Problem) -> NDArray[np.float64]:
    """Return the probability that each variable is 1 in a uniform x of the equality constraints."""
    single = np.full(problem.n, 0.5)
    for variables, ones in problem.constraint.blocks(problem.n):
        single[list(variables)] = ones / len(variables)
    return single


def move_scale(qubo: Qubo, fixed: Blocks) -> float:
    """Return the root mean square change of `qubo` by one random move; 1 if nothing changes it.

    A move swaps two variables of a block, or flips one variable where nothing is fixed. The
    average is over the uniform x that keep the blocks `fixed`, and over all such moves.
    """
    symmetric = qubo.quadratic + qubo.quadratic.T
    blocks = [(np.array(variables), ones) for variables, ones in fixed]
    if not blocks:
        mean = qubo.linear + symmetric.sum(1) / 2
        square = float((mean**2 + (symmetric**2).sum(1) / 4).mean())
    else:
        swaps = [ones * (len(variables) - ones) for variables, ones in blocks]
        squares = [
            swaps[index] * _swap_squares(qubo.linear, symmetric, blocks, index).mean()
            for index in range(len(blocks))
            if swaps[index]
        ]
        square = float(sum(squares)) / max(1, sum(swaps))
    return float(np.sqrt(square)) if square > 0 else 1.0


def _swap_squares(
    linear: NDArray[np.float64],
    symmetric: NDArray[np.float64],
    blocks: list[tuple[NDArray[np.intp], int]],
    index: int,
) -> NDArray[np.float64]:
    """Return the mean squared change of every swap (i off, j on) inside block `index`.

    The swaps of one i are taken together: all of them at once would hold a row of n for every pair.
    """
    own = blocks[index][0]
    squares = [np.zeros(0)]
    for at, i in enumerate(own[:-1]):
        j = own[at + 1 :]
        rows = symmetric[j] - symmetric[i]
        rows[:, i] = 0.0
        rows[np.arange(len(j)), j] = 0.0
        mean, variance = linear[j] - linear[i], np.zeros(len(j))
        for other, (variables, ones) in enumerate(blocks):
            removed = 2 if other == index else 0
            size, ones = len(variables) - removed, ones - removed // 2
            single = ones / size if size else 0.0
            pair = _falling(ones, 2) / _falling(size, 2) if size > 1 else single**2
            total = rows[:, variables].sum(1)
            mean = mean + single * total
            variance += (single - pair) * (rows[:, variables] ** 2).sum(1)
            variance += (pair - single**2) * total**2
        squares.append(mean**2 + variance)
    return np.concatenate(squares)


def _falling(value: int, factors: int) -> float:
    return float(np.prod([value - step for step in range(factors)]))
