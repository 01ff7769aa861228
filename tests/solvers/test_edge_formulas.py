"""Depth-1 closed forms against whole graphs."""

import math

import pytest

from qfl.core.errors import ProblemError
from qfl.problems.load import load
from qfl.solvers import qaoa_expectation
from qfl.solvers.edge_formulas import edge_cut, regular_cut_fraction


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "gamma", "beta", "triangles", "expected"),
    [
        ("k4", 0.6, -0.3, 2, 3.660011321616393),
        ("petersen", 0.4, -0.25, 0, 9.58494015666189),
    ],
)
def test_the_edge_formula_sums_to_the_cut_of_a_graph(name, gamma, beta, triangles, expected):
    """arXiv:1706.02998 and the state vector."""
    edges = {"k4": 6, "petersen": 15}[name]
    assert edges * edge_cut(gamma, beta, degrees=(3, 3), triangles=triangles) == pytest.approx(
        expected, abs=1e-10
    )
    mean = qaoa_expectation(load(name), [gamma], [beta], mixer="x", backend="statevector")
    assert -mean == pytest.approx(expected, abs=1e-10)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("degree", "expected"), [(2, 0.75), (3, 0.6924500897298753), (8, 0.6107779174432562)]
)
def test_the_best_depth_one_value_is_reached_at_its_angles(degree, expected):
    """arXiv:1706.02998, corollary 1."""
    angle = math.atan(1 / math.sqrt(degree - 1))
    reached = edge_cut(angle, -math.pi / 8, degrees=(degree, degree), triangles=0)
    assert regular_cut_fraction(degree) == pytest.approx(expected, abs=1e-12)
    assert reached == pytest.approx(expected, abs=1e-12)


def test_impossible_edges_are_refused():
    with pytest.raises(ProblemError, match=r"0\.\.2 triangles"):
        edge_cut(0.1, -0.1, degrees=(3, 3), triangles=3)
    with pytest.raises(ProblemError, match="degree >= 1"):
        regular_cut_fraction(0)
