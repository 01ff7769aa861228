"""Enumeration of the feasible set: the optimum with proof, and the yardsticks around it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import frozen
from qfl.core.constraints import AtMost, Constraint, Limited, Unconstrained
from qfl.core.decision import Bill, Decision
from qfl.core.errors import CapacityError, ProblemError
from qfl.core.problem import Problem
from qfl.solvers.options import check_count


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The objective over the whole feasible set.

    Attributes:
        x: (n,) uint8, a minimiser (the first in the order of the constraint).
        optimum, worst, mean: smallest, largest and mean energy.
        gap: distance from the optimum to the next larger value, 0 if all are equal.
        states, optimal_states: how many x are feasible, and how many of them reach the optimum.
    """

    x: NDArray[np.uint8]
    optimum: float
    worst: float
    mean: float
    gap: float
    states: int
    optimal_states: int


def spectrum(problem: Problem, *, max_states: int = 20_000_000) -> Spectrum:
    """Return the summary of all feasible energies.

    Raises:
        CapacityError: more than `max_states` states to visit.
        ProblemError: no state is feasible.

    >>> from qfl.core.constraints import Exactly
    >>> from qfl.core.qubo import Qubo
    >>> qubo = Qubo(0.0, [1.0, 2.0, 4.0], np.zeros((3, 3)))
    >>> found = spectrum(Problem("toy", qubo, Exactly(1), ("a", "b", "c")))
    >>> found.optimum, found.worst, found.gap, found.states
    (1.0, 4.0, 1.0, 3)
    """
    energies, best = [np.zeros(0)], np.zeros(problem.n)
    lowest = np.inf
    for states in _chunks(problem, max_states):
        energies.append(problem.qubo.energy(states))
        if len(states) and energies[-1].min() < lowest:
            lowest, best = energies[-1].min(), states[np.argmin(energies[-1])]
    return _summary(np.concatenate(energies), best)


def feasible_energies(
    problem: Problem, *, max_states: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return every feasible x, shape (m, n), and its energy, in the order of the constraint.

    Raises:
        CapacityError: more than `max_states` states to visit.
        ProblemError: no state is feasible.
    """
    states = np.concatenate([chunk.astype(np.uint8) for chunk in _chunks(problem, max_states)])
    if not len(states):
        raise ProblemError("no state is feasible; loosen the constraint")
    return states, problem.qubo.energy(states)


def _chunks(problem: Problem, max_states: int) -> Iterable[NDArray[Any]]:
    visited = _visited(problem.constraint, problem.n)
    if visited > max_states:
        raise CapacityError(
            f"{visited:,} states are more than the {max_states:,} to enumerate; "
            "raise max_states or use solver 'milp' or 'annealing'"
        )
    if visited * problem.n <= _CACHED_BITS and isinstance(problem.constraint, Hashable):
        return (_states(problem.constraint, problem.n),)
    return problem.constraint.enumerate(problem.n)


def _summary(energies: NDArray[np.float64], best: NDArray[Any]) -> Spectrum:
    if not len(energies):
        raise ProblemError("no state is feasible; loosen the constraint")
    optimum, worst = float(energies.min()), float(energies.max())
    tolerance = 1e-12 * max(1.0, abs(optimum), abs(worst))
    above = energies[energies > optimum + tolerance]
    return Spectrum(
        x=frozen(best, np.uint8),
        optimum=optimum,
        worst=worst,
        mean=float(energies.mean()),
        gap=float(above.min() - optimum) if len(above) else 0.0,
        states=len(energies),
        optimal_states=len(energies) - len(above),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Brute force over the feasible set.

    Attributes:
        max_states: a feasible set with more than this many states is refused.
    """

    max_states: int = 20_000_000

    def __post_init__(self) -> None:
        check_count("max_states", self.max_states)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return an optimal decision with its proof; `rng` is not used."""
        started = perf_counter()
        found = spectrum(problem, max_states=self.max_states)
        bill = Bill(evaluations=found.states, classical_seconds=perf_counter() - started)
        return Decision.of(
            problem,
            found.x,
            solver="exact",
            bill=bill,
            bound=found.optimum,
            proof="enumeration",
            diagnostics={
                "optimum": found.optimum,
                "worst": found.worst,
                "mean": found.mean,
                "gap": found.gap,
                "optimal_states": float(found.optimal_states),
            },
        )


_CACHED_BITS = 1 << 22


@lru_cache(maxsize=8)
def _states(constraint: Constraint, n: int) -> NDArray[np.float64]:
    """Return all feasible x as floats; cached, because rounds ask for the same set again."""
    states = np.concatenate(list(constraint.enumerate(n))).astype(np.float64)
    states.setflags(write=False)
    return states


def _visited(constraint: Constraint, n: int) -> int:
    """Return how many states an enumeration walks through, which may exceed the feasible."""
    if isinstance(constraint, AtMost):
        constraint = Unconstrained()
    if isinstance(constraint, Limited):
        constraint = constraint.base
    return constraint.feasible_count(n)
