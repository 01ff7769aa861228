"""Optimisers that keep a budget of evaluations to the letter and lose nothing when it runs out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Vector = NDArray[np.float64]


class BudgetSpent(Exception):
    """Ends an optimiser of scipy that does not count as strictly as we do."""


class Counted:
    """A function of a vector, allowed `evaluations` times, that remembers its best point.

    Attributes:
        used: evaluations so far.
        best, lowest: the best point and its value; empty and infinite before the first.
    """

    def __init__(self, evaluations: int) -> None:
        self.evaluations = evaluations
        self.used = 0
        self.best: Vector = np.zeros(0)
        self.lowest = np.inf

    def count(self) -> None:
        """Take one evaluation from the budget.

        Raises:
            BudgetSpent: there is none left.
        """
        if self.used >= self.evaluations:
            raise BudgetSpent
        self.used += 1

    def note(self, vector: Vector, value: float) -> None:
        """Remember the point if it is the best so far."""
        if value < self.lowest:
            self.lowest, self.best = value, vector.copy()


def lbfgs(
    function: Callable[[Vector], tuple[float, Vector]], start: Vector, *, evaluations: int
) -> Counted:
    """Return the record of an L-BFGS run on a function that gives value and gradient.

    >>> run = lbfgs(lambda x: (float(x @ x), 2 * x), np.array([3.0]), evaluations=9)
    >>> run.best.round(6).tolist(), run.used <= 9
    ([0.0], True)
    """
    record = Counted(evaluations)

    def counted(vector: Vector) -> tuple[float, Vector]:
        record.count()
        value, gradient = function(vector)
        record.note(vector, value)
        return value, gradient

    with suppress(BudgetSpent):
        minimize(counted, start, jac=True, method="L-BFGS-B")
    return record


def cobyla(function: Callable[[Vector], float], start: Vector, *, evaluations: int) -> Vector:
    """Return where COBYLA ended on a function of values, or its best point if it was stopped.

    >>> cobyla(lambda x: float(x @ x), np.array([0.3]), evaluations=40).round(2).tolist()
    [0.0]
    """
    record = Counted(evaluations)

    def counted(vector: Vector) -> float:
        record.count()
        value = function(vector)
        record.note(vector, value)
        return value

    simplex = len(start) + 2  # with fewer COBYLA complains; the record stops it all the same
    options = {"maxiter": max(evaluations, simplex), "rhobeg": 0.15}
    with suppress(BudgetSpent):
        return np.asarray(minimize(counted, start, method="COBYLA", options=options).x)
    return record.best


def spsa(
    function: Callable[[Vector], float],
    start: Vector,
    *,
    evaluations: int,
    rng: np.random.Generator,
) -> Vector:
    """Return where simultaneous-perturbation descent ended, two evaluations a step.

    Reference:
        Spall, IEEE Trans. Aerosp. Electron. Syst. 34 (1998) 817, section III.
    """
    vector, steps = start.copy(), evaluations // 2
    for step in range(steps):
        width = 0.1 / (step + 1) ** 0.101
        rate = 0.05 / (step + 1 + 0.1 * steps) ** 0.602
        signs = rng.choice([-1.0, 1.0], size=len(vector))
        difference = function(vector + width * signs) - function(vector - width * signs)
        vector = vector - rate * difference / (2 * width) * signs
    return vector
