"""Graph problems count edges, and refuse what is no graph."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ProblemError
from qfl.problems.graphs import DensestSubgraph, MaxCut, adjacency, densest_subgraph, maxcut
from qfl.solvers.scale import feasible_mean


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(2, 8))
def test_energies_are_minus_the_cut_and_minus_the_inside_weight(seed, n):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(n, n))
    weights = weights + weights.T
    cut, inside = maxcut(weights=weights), densest_subgraph(weights=weights, choose=n // 2)
    for x in itertools.product((0, 1), repeat=n):
        pairs = list(itertools.combinations(range(n), 2))
        crossing = sum(weights[i, j] for i, j in pairs if x[i] != x[j])
        within = sum(weights[i, j] for i, j in pairs if x[i] and x[j])
        assert float(cut.qubo.energy(x)) == pytest.approx(-crossing, abs=1e-10)
        assert float(inside.qubo.energy(x)) == pytest.approx(-within, abs=1e-10)


@pytest.mark.golden
def test_a_random_cut_has_half_the_weight():
    """Source: definition; no sampling needed."""
    problem = maxcut(weights=adjacency(4, [[0, 1], [1, 2], [2, 3]], [3.3, 2.0, 2.0]))
    assert feasible_mean(problem) == pytest.approx(-7.3 / 2, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_drawn_graphs_are_regular_and_repeat(weighted):
    family = MaxCut(nodes=10, degree=3, weighted=weighted)
    one, two = (family.draw(np.random.default_rng(1)) for _ in range(2))
    assert one.hash == two.hash
    degrees = (one.qubo.quadratic + one.qubo.quadratic.T > 0).sum(1)
    assert (degrees == 3).all()


def test_drawn_subgraph_instances_repeat():
    family = DensestSubgraph(nodes=9, choose=4)
    one, two, other = (family.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.hash == two.hash != other.hash


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: maxcut(weights=[1.0, 2.0]), "square"),
        (lambda: maxcut(weights=[[0, 1], [2, 0]]), "symmetric"),
        (lambda: maxcut(weights=[[0, np.nan], [np.nan, 0]]), "finite"),
        (lambda: densest_subgraph(weights=np.zeros((3, 3)), choose=4), r"0\.\.3"),
        (lambda: adjacency(3, [[0, 3]]), r"0\.\.2"),
        (lambda: adjacency(3, [[1, 1]]), "two different"),
        (lambda: MaxCut(nodes=5, degree=3), "even"),
        (lambda: MaxCut(nodes=4, degree=4), r"degree must lie in 1\.\.3, got 4"),
        (lambda: DensestSubgraph(nodes=3, choose=4), r"choose must lie in 0\.\.3, got 4"),
        (
            lambda: DensestSubgraph(nodes=3, choose=1, edge_probability=1.5),
            r"edge_probability must lie in 0\.\.1, got 1\.5",
        ),
        (lambda: maxcut(weights=[]), "square"),
    ],
)
def test_bad_input_is_one_clear_error(call, message):
    with pytest.raises(ProblemError, match=message):
        call()
