"""A rehearsal decides a small piece like the real thing, and never asks a machine."""

import pytest

from qfl.core.errors import ProblemError
from qfl.problems import draw
from qfl.solvers import SOLVERS
from qfl.solvers.rehearsal import VARIABLES, rehearse


class Watched:
    """A solver that remembers what it was asked, and may refuse."""

    def __init__(self, refuses=False):
        self.problems, self.refuses = [], refuses

    def solve(self, problem, *, rng):
        self.problems.append(problem)
        if self.refuses:
            raise ProblemError("not this one")
        return SOLVERS.configure("greedy", {}).solve(problem, rng=rng)


@pytest.mark.parametrize(("clients", "choose"), [(30, 3), (30, 28), (12, 6), (4, 0), (3, 3)])
def test_the_piece_is_small_and_keeps_ones_and_zeros(clients, choose):
    watched = Watched()
    assert rehearse(watched, draw("client_selection", seed=1, clients=clients, choose=choose), {})
    [piece] = watched.problems
    assert piece.n == min(clients, VARIABLES)
    if 0 < choose < clients:
        assert 0 < piece.constraint.k < piece.n


def test_other_constraints_are_cut_too():
    watched = Watched()
    for problem in (
        draw("maxcut", seed=0, nodes=12),
        draw("aggregation_schedule", seed=0, clients=5, slots=3, capacity=2),
    ):
        assert rehearse(watched, problem, {})
    assert all(problem.n <= VARIABLES for problem in watched.problems)


@pytest.mark.parametrize(
    ("options", "plays"),
    [
        ({"backend": "subspace", "training_backend": None}, True),
        ({"backend": "aer"}, False),
        ({"inner_options": {"backend": "ibm:boston"}}, False),
        ({"backend": "noise:depolarising", "backend_options": {"backend": "aer"}}, False),
    ],
)
def test_machines_are_not_asked(options, plays):
    watched = Watched()
    problem = draw("client_selection", seed=0, clients=8, choose=2)
    assert rehearse(watched, problem, options) is plays
    assert len(watched.problems) == plays


def test_a_refusal_is_left_to_the_decision_itself():
    problem = draw("client_selection", seed=0, clients=8, choose=2)
    assert rehearse(Watched(refuses=True), problem, {})
