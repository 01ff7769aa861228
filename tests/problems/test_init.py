"""Every row of the table draws valid instances."""

import numpy as np
import pytest

from qfl.problems import PROBLEMS, draw

SIZES = {
    "client_selection": {"clients": 8, "choose": 3},
    "aggregation_schedule": {"clients": 4, "slots": 3},
    "maxcut": {"nodes": 6},
    "densest_subgraph": {"nodes": 7, "choose": 3},
    "chain": {"nodes": 6},
}


def test_every_problem_is_covered_here():
    assert set(SIZES) == set(PROBLEMS.rows)


@pytest.mark.parametrize("name", SIZES)
def test_a_drawn_instance_carries_its_family_name(name):
    problem = draw(name, seed=0, **SIZES[name])
    assert problem.kind == name
    assert problem.is_feasible(
        problem.constraint.sample(problem.n, 3, np.random.default_rng(1))
    ).all()


@pytest.mark.parametrize("name", sorted(SIZES.keys() - {"chain"}))  # one published instance
def test_the_seed_decides_the_instance(name):
    hashes = [draw(name, seed=seed, **SIZES[name]).hash for seed in (3, 3, 4)]
    assert hashes[0] == hashes[1] != hashes[2]
