"""MaxCut and densest subgraph: the literature states its numbers on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.constraints import Exactly, Unconstrained
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems.checks import square, whole, within


def maxcut(*, weights: ArrayLike, names: tuple[str, ...] | None = None) -> Problem:
    """Return the problem of cutting a graph in two; the energy is minus the cut weight.

    Args:
        weights: (n, n) float, symmetric; 0 where there is no edge. The diagonal is not used.
        names: one per node; 0, 1, ... if None.

    >>> problem = maxcut(weights=[[0, 1, 2], [1, 0, 0], [2, 0, 0]])
    >>> float(problem.qubo.energy([1, 0, 0]))
    -3.0
    """
    matrix = _weights(weights)
    return Problem(
        kind="maxcut",
        qubo=Qubo(0.0, -matrix.sum(1), 2.0 * np.triu(matrix, 1)),
        constraint=Unconstrained(),
        names=names or tuple(map(str, range(len(matrix)))),
    )


def densest_subgraph(
    *, weights: ArrayLike, choose: int, names: tuple[str, ...] | None = None
) -> Problem:
    """Return the problem of choosing nodes with most weight among them; minus that is the energy.

    Args:
        weights: (n, n) float, symmetric. The diagonal is not used.
        choose: how many nodes, 0..n.
        names: one per node; 0, 1, ... if None.

    >>> problem = densest_subgraph(weights=[[0, 1, 2], [1, 0, 0], [2, 0, 0]], choose=2)
    >>> float(problem.qubo.energy([1, 0, 1]))
    -2.0
    """
    matrix = _weights(weights)
    n = len(matrix)
    return Problem(
        kind="densest_subgraph",
        qubo=Qubo(0.0, np.zeros(n), -np.triu(matrix, 1)),
        constraint=Exactly(whole("choose", choose, 0, n)),
        names=names or tuple(map(str, range(n))),
    )


def adjacency(n: int, edges: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the symmetric (n, n) matrix of an edge list (m, 2), weight 1 each if not given.

    >>> adjacency(3, [[0, 1], [1, 2]])[1].tolist()
    [1.0, 0.0, 1.0]
    """
    pairs = np.asarray(edges, dtype=np.intp).reshape(-1, 2)
    outside = pairs[(pairs < 0) | (pairs >= n)]
    if len(outside):
        raise ProblemError(f"edges must join nodes 0..{n - 1}, got {outside[0]}")
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise ProblemError("an edge must join two different nodes")
    matrix = np.zeros((n, n))
    np.add.at(matrix, tuple(pairs.T), np.ones(len(pairs)) if weights is None else weights)
    return matrix + matrix.T


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCut:
    """Random regular graphs.

    Attributes:
        nodes, degree: their product must be even.
        weighted: uniform weights in (0, 1] instead of 1.
    """

    nodes: int
    degree: int = 3
    weighted: bool = False

    def __post_init__(self) -> None:
        n = whole("nodes", self.nodes, 2, 10_000)
        degree = whole("degree", self.degree, 1, n - 1)
        if n * degree % 2:
            raise ProblemError(f"nodes * degree must be even, got {n} * {degree}")

    def draw(self, rng: np.random.Generator) -> Problem:
        """Return one instance."""
        import networkx

        n, degree = self.nodes, self.degree
        graph = networkx.random_regular_graph(degree, n, seed=rng)
        edges = sorted(tuple(sorted(edge)) for edge in graph.edges)
        weights = 1.0 - rng.random(len(edges)) if self.weighted else np.ones(len(edges))
        return maxcut(weights=adjacency(n, edges, weights))


@dataclass(frozen=True, slots=True, kw_only=True)
class DensestSubgraph:
    """Random graphs with independent edges.

    Attributes:
        nodes, choose: size of the graph and of the subgraph.
        edge_probability: of each edge, 0..1.
    """

    nodes: int
    choose: int
    edge_probability: float = 0.5

    def __post_init__(self) -> None:
        whole("choose", self.choose, 0, whole("nodes", self.nodes, 1, 10_000))
        within("edge_probability", self.edge_probability, 0.0, 1.0)

    def draw(self, rng: np.random.Generator) -> Problem:
        """Return one instance."""
        n = self.nodes
        edges = np.triu(rng.random((n, n)) < self.edge_probability, 1)
        return densest_subgraph(weights=1.0 * (edges | edges.T), choose=self.choose)


def _weights(weights: ArrayLike) -> NDArray[np.float64]:
    matrix = square("weights", weights)
    return matrix * (1.0 - np.eye(len(matrix)))
