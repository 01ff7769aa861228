"""Samplers and searches spend what their bill says, counted from outside."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from qfl.core.constraints import Exactly
from qfl.core.problem import Problem
from qfl.problems.selection import ClientSelection
from qfl.solvers import annealing, solve

SELECTION = ClientSelection(clients=10, choose=3).draw(np.random.default_rng(5))


@dataclass(frozen=True, eq=False)
class Counted:
    """Exactly k, noting how many samples were asked for."""

    k: int
    asked: list = field(default_factory=list)

    def check(self, n):
        Exactly(self.k).check(n)

    def feasible_count(self, n):
        return Exactly(self.k).feasible_count(n)

    def sample(self, n, size, rng):
        self.asked.append(size)
        return Exactly(self.k).sample(n, size, rng)

    def violation(self, x):
        return Exactly(self.k).violation(x)

    def enumerate(self, n):
        return Exactly(self.k).enumerate(n)

    def blocks(self, n):
        return Exactly(self.k).blocks(n)


@pytest.mark.parametrize("shots", [1, 24, 100])
def test_random_best_draws_exactly_its_shots(shots):
    constraint = Counted(3)
    problem = Problem("counted", SELECTION.qubo, constraint, SELECTION.names)
    decision = solve(problem, "random_best", shots=shots, seed=1)
    assert sum(constraint.asked) == decision.bill.shots == shots


@pytest.mark.parametrize("evaluations", [1, 24, 200])
def test_annealing_proposes_exactly_its_budget(evaluations, monkeypatch):
    proposed = []
    original = annealing._Proposals.propose

    def counted(self, u, v, w):
        proposed.append(1)
        return original(self, u, v, w)

    monkeypatch.setattr(annealing._Proposals, "propose", counted)
    decision = solve(SELECTION, "annealing", evaluations=evaluations, seed=1)
    assert len(proposed) + 1 == decision.bill.evaluations == evaluations
