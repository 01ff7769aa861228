"""Instances that the solver tests share."""

import numpy as np
import pytest

from qfl.core.constraints import AtMost, Exactly, ExactlyEach, Limited, OneHot, Unconstrained
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo


def dense(constraint, n, seed=0):
    """A dense random objective under any constraint."""
    rng = np.random.default_rng(seed)
    qubo = Qubo(rng.normal(), rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
    return Problem("dense", qubo, constraint, tuple(f"v{i}" for i in range(n)))


def closed_form(n, k, weight=0.3):
    """The K-of-N instance of the known answers: sines and cosines instead of random numbers."""
    i = np.arange(1, n + 1)
    utility = 0.5 + 0.5 * np.sin(1.7 * i)
    redundancy = 0.5 * (1 + np.cos(0.9 * np.outer(i, i)))
    return Problem(
        "client_selection",
        Qubo(0.0, -utility, weight * np.triu(redundancy, 1)),
        Exactly(k),
        tuple(f"c{j}" for j in range(n)),
    )


CONSTRAINTS = {
    "exactly": (Exactly(3), 8),
    "exactly_none": (Exactly(0), 4),
    "exactly_all": (Exactly(4), 4),
    "one_hot": (OneHot(((0, 3, 4), (1, 2), (5, 6, 7))), 8),
    "exactly_each": (ExactlyEach((((0, 2, 5, 6), 2), ((1, 3, 4), 1))), 7),
    "at_most": (AtMost((1.0, 2.0, 3.0, 1.5, 2.5, 0.5), 5.0), 6),
    "limited": (
        Limited(OneHot(((0, 1), (2, 3), (4, 5))), ((1, 0, 1, 0, 1, 0), (0, 1, 0, 1, 0, 1)), (2, 2)),
        6,
    ),
    "limited_each": (
        Limited(ExactlyEach((((0, 1, 2), 2), ((3, 4, 5), 1))), ((1, 0, 1, 0, 1, 0),), (2,)),
        6,
    ),
    "budgeted": (Limited(Exactly(3), ((1.0, 2.0, 3.0, 1.5, 2.5, 0.5, 2.0),), (5.0,)), 7),
    "unconstrained": (Unconstrained(), 6),
}


@pytest.fixture(params=CONSTRAINTS)
def any_problem(request):
    constraint, n = CONSTRAINTS[request.param]
    return dense(constraint, n, seed=len(request.param))
