"""A decision that nobody times: what a process does once is not what a decision takes.

The first decision of a process compiles loops, imports libraries and fills caches. A study
rehearses before its clock starts, on a small piece of the instance, and only where nothing is sent
anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from qfl.core.constraints import Limited, OneHot
from qfl.core.errors import QflError
from qfl.core.ports import Solver
from qfl.core.problem import Problem
from qfl.core.rng import Streams
from qfl.solvers.restrict import restrict

VARIABLES = 6
"""Of the piece; one-hot groups stay whole."""

EXACT_ENGINES = frozenset({"subspace", "statevector", "levels", "noise:depolarising"})


def rehearse(solver: Solver, problem: Problem, options: Mapping[str, Any]) -> bool:
    """Return whether `solver` has decided a small piece of `problem`; what it found is dropped.

    Args:
        solver: what is about to be timed.
        problem: what it is about to decide.
        options: of the solver, as a cell holds them. If they name a backend that is not one of our
            exact engines, there is no rehearsal: a machine would have to be asked.

    >>> from qfl.problems import draw
    >>> from qfl.solvers.greedy import Greedy
    >>> rehearse(Greedy(), draw("client_selection", seed=0, clients=9, choose=3), {})
    True
    >>> rehearse(Greedy(), draw("maxcut", seed=0, nodes=8), {"qaoa": {"backend": "aer"}})
    False
    """
    if not _backends(options) <= EXACT_ENGINES:
        return False
    rng = Streams(0)("rehearsal")
    with suppress(QflError):  # the decision itself will say what is wrong
        x = problem.constraint.sample(problem.n, 1, rng)[0]
        piece = restrict(problem, _some_variables(problem, x), x).problem
        solver.solve(piece, rng=rng)
    return True


def _backends(options: Mapping[str, Any]) -> set[str]:
    """Return the backends that options name, at any depth."""
    named = {str(options[key]) for key in ("backend", "training_backend") if options.get(key)}
    inner = [_backends(value) for value in options.values() if isinstance(value, Mapping)]
    return named.union(*inner)


def _some_variables(problem: Problem, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a few variables, ones and zeros of x among them, in ascending order."""
    constraint = problem.constraint
    base = constraint.base if isinstance(constraint, Limited) else constraint
    if isinstance(base, OneHot):
        return np.sort(np.concatenate([np.array(group) for group in base.groups[:2]]))
    ones, zeros = np.flatnonzero(x), np.flatnonzero(x == 0)
    few = ones[: max(VARIABLES // 2, VARIABLES - len(zeros))]
    return np.sort(np.concatenate([few, zeros[: VARIABLES - len(few)]]))
