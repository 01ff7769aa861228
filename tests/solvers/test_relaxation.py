"""The relaxation bounds every feasible energy from below, and its rounding is feasible."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.problems import draw, maxcut
from qfl.problems.load import load
from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from qfl.solvers.relaxation import relax


def test_the_bound_is_below_the_optimum(any_problem):
    decision = solve(any_problem, "relaxation", seed=0)
    assert decision.proof == "bound"
    assert decision.bound <= spectrum(any_problem).optimum + 1e-9
    assert decision.bound <= decision.energy


@pytest.mark.property
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_the_bound_holds_on_random_selections_and_tightens(seed, n):
    problem = ClientSelection(clients=n, choose=n // 2).draw(np.random.default_rng(seed))
    optimum = spectrum(problem).optimum
    bounds = [relax(problem, iterations=steps)[1] for steps in (1, 10, 100)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= optimum + 1e-9


def test_iterations_are_the_budget():
    problem = ClientSelection(clients=16, choose=4).draw(np.random.default_rng(0))
    assert solve(problem, "relaxation", seed=0, iterations=7).bill.evaluations <= 7


def test_maxcut_is_rounded_along_a_flat_direction_not_to_the_empty_cut():
    cuts = [solve(load("petersen"), "relaxation", seed=seed).energy for seed in range(5)]
    assert max(cuts) <= -8  # a uniform cut has 7.5 of the 15 edges in the mean
    ratios = []
    for seed in range(10):
        problem = draw("maxcut", seed=seed, nodes=10)
        found = spectrum(problem)
        energy = solve(problem, "relaxation", seed=seed).energy
        assert energy < found.mean
        ratios.append(energy / found.optimum)
    assert np.mean(ratios) > 0.9


@pytest.mark.property
@settings(deadline=None, max_examples=25)
@given(left=st.integers(1, 6), right=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_bipartite_graphs_are_cut_completely(left, right, seed):
    """The eigenvector of the least eigenvalue has the signs of the sides."""
    problem = maxcut(weights=nx.to_numpy_array(nx.complete_bipartite_graph(left, right)))
    assert solve(problem, "relaxation", seed=seed).energy == -left * right


def test_a_seed_repeats_its_rounding():
    problem = draw("maxcut", seed=1, nodes=12)
    first, again = (solve(problem, "relaxation", seed=3) for _ in range(2))
    assert first.x.tolist() == again.x.tolist()
