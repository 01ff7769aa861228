"""Units make one schedule fit costs of any scale and size."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly, OneHot, Unconstrained
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.problems.graphs import adjacency, maxcut
from qfl.problems.load import load
from qfl.solvers.schedules.units import beta_unit, gamma_unit, in_units
from tests.solvers.conftest import dense
from tests.solvers.schedules.conftest import bowl


@pytest.mark.parametrize("unit", ["move", "max_weight"])
def test_gamma_scales_inversely_with_the_cost(unit):
    problem = dense(Exactly(3), 8)
    larger = Problem("scaled", problem.qubo.scaled(7.0), problem.constraint, problem.names)
    one, two = (gamma_unit(bowl(p, "xy_complete"), unit) for p in (problem, larger))
    assert one == pytest.approx(7.0 * two, rel=1e-12)


def test_one_unit_on_a_spin_glass_is_one_over_the_local_field():
    """A d-regular graph with couplings 1/2 has local fields of sqrt(d) / 2."""
    ring = maxcut(weights=adjacency(6, [[i, (i + 1) % 6] for i in range(6)]))
    assert gamma_unit(bowl(ring, "x")) == pytest.approx(1 / (np.sqrt(2) / 2), rel=1e-12)


def test_the_published_ramp_divides_by_the_largest_weight():
    assert gamma_unit(bowl(load("chain_5"), "x"), "max_weight") == pytest.approx(1 / 0.1, rel=1e-9)
    assert gamma_unit(bowl(load("chain_5"), "x"), "none") == 1.0


def test_beta_is_measured_against_the_gap():
    assert beta_unit("x", ()) == 1.0
    assert beta_unit("xy_complete", ((tuple(range(8)), 3),)) == 2 / 8
    groups = OneHot(((0, 1, 2), (3, 4, 5, 6, 7))).blocks(8)
    assert beta_unit("xy_complete", groups) == 2 / 4
    assert beta_unit("xy_ring", groups) == 1.0


def test_both_rows_are_scaled():
    landscape = bowl(dense(Exactly(3), 8), "xy_complete")
    angles = in_units(landscape, np.ones((2, 3)))
    np.testing.assert_allclose(angles[0], gamma_unit(landscape))
    np.testing.assert_allclose(angles[1], 0.25)


def test_a_cost_without_weights_has_no_largest_one():
    flat = Problem(
        "flat", dense(Unconstrained(), 3).qubo.scaled(0.0), Unconstrained(), tuple("abc")
    )
    with pytest.raises(ConfigError, match="all are zero"):
        gamma_unit(bowl(flat, "x"), "max_weight")
