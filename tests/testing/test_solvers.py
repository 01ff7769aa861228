"""The conformance kit passes good solvers and catches each kind of broken promise."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from qfl.solvers.exact import Exact
from qfl.solvers.greedy import Greedy
from qfl.solvers.random_feasible import RandomBest
from qfl.testing.solvers import check_solver


@pytest.mark.parametrize("solver", [Exact(), Greedy(), RandomBest(shots=5)])
def test_good_solvers_pass(solver):
    check_solver(solver)


@dataclass(frozen=True)
class Liar:
    """An exact solver whose decisions are tampered with."""

    changes: dict

    def solve(self, problem, *, rng):
        return replace(Exact().solve(problem, rng=rng), **self.changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energy": -99.0}, "states energy -99"),
        ({"problem_hash": "other"}, "another problem"),
        ({"x": np.zeros(3, np.uint8)}, "shape"),
        ({"bound": 99.0}, "exceeds the optimum"),
        ({"feasible": False}, "not feasible"),
    ],
)
def test_each_lie_is_caught(changes, message):
    with pytest.raises(AssertionError, match=message):
        check_solver(Liar(changes))


@dataclass(frozen=True)
class Draws:
    """A solver that claims a proof for a random draw, or forgets its generator."""

    seeded: bool

    def solve(self, problem, *, rng):
        made = rng if self.seeded else np.random.default_rng()
        found = RandomBest(shots=1).solve(problem, rng=made)
        return replace(found, proof="enumeration") if self.seeded else found


def test_a_false_proof_and_an_unseeded_draw_are_caught():
    with pytest.raises(AssertionError, match="claims a proof"):
        check_solver(Draws(seeded=True))
    with pytest.raises(AssertionError, match="same seed gave another"):
        check_solver(Draws(seeded=False))
