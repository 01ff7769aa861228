import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.masking import Cohort, neighbour_graph

NAMES = [f"c{i:02d}" for i in range(11)]


@pytest.mark.parametrize(("n", "degree"), [(11, 2), (11, 10), (10, 3), (10, 9), (2, 1), (7, 4)])
def test_every_client_has_as_many_mutual_neighbours(n, degree):
    graph = neighbour_graph(NAMES[:n], degree=degree, rng=np.random.default_rng(n))
    assert {len(others) for others in graph.values()} == {degree}
    assert all(u in graph[v] and u != v for u, others in graph.items() for v in others)
    cohort = Cohort(neighbours=graph, threshold=(degree + 1) // 2 + 1, modulus_bits=8)
    assert len(cohort.edges) == n * degree // 2
    assert cohort.connected(frozenset(graph))


def test_the_order_is_random():
    rng = np.random.default_rng(0)
    graphs = [neighbour_graph(NAMES, degree=2, rng=rng) for _ in range(3)]
    assert graphs[0] != graphs[1] != graphs[2]


@pytest.mark.parametrize(
    ("names", "degree"), [(["a"], 1), (["a", "a"], 1), (NAMES, 3), (NAMES, 11), (NAMES, 0)]
)
def test_impossible_graphs(names, degree):
    with pytest.raises(ConfigError):
        neighbour_graph(names, degree=degree, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("neighbours", "options"),
    [
        ({"a": ()}, {}),
        ({"a": ("b",), "b": ()}, {}),
        ({"a": ("a", "b"), "b": ("a",)}, {}),
        ({"a": ("b",), "b": ("a",)}, {"threshold": 1}),
        ({"a": ("b",), "b": ("a",)}, {"threshold": 3}),
        ({"a": ("b",), "b": ("a",)}, {"modulus_bits": 0}),
        ({"a": ("b",), "b": ("a",)}, {"stream": "mt19937"}),
    ],
)
def test_unsafe_cohorts_are_refused(neighbours, options):
    """One client, one-sided neighbours, a threshold that is no majority, a foreign generator."""
    with pytest.raises(ConfigError):
        Cohort(**{"neighbours": neighbours, "threshold": 2, "modulus_bits": 8, **options})


def test_pieces_are_noticed():
    ring = {name: (NAMES[i - 1], NAMES[(i + 1) % 11]) for i, name in enumerate(NAMES)}
    cohort = Cohort(neighbours=ring, threshold=2, modulus_bits=8)
    assert cohort.connected(frozenset(NAMES[:5]))
    assert not cohort.connected(frozenset([NAMES[0], NAMES[5]]))
