"""Figures of merit: what they are, and that their derivatives are theirs."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.simulators.objectives import Cvar, Gibbs, Mean


@pytest.mark.golden
@pytest.mark.parametrize(("alpha", "expected"), [(0.2, -2.0), (1.0, 0.3)])
def test_cvar_counts_the_boundary_in_part(alpha, expected):
    costs, mass = np.array([2.0, -3.0, 0.0, -1.0]), np.array([0.4, 0.1, 0.3, 0.2])[:, None]
    value, _ = Cvar(alpha).prepare(costs)(mass)
    assert value[0] == pytest.approx(expected, abs=1e-12)


def test_cvar_of_all_mass_is_the_mean_and_cvar_of_little_is_the_minimum():
    rng = np.random.default_rng(3)
    costs, mass = rng.normal(size=50), rng.dirichlet(np.ones(50), size=4).T
    np.testing.assert_allclose(Cvar(1.0).prepare(costs)(mass)[0], costs @ mass, atol=1e-12)
    np.testing.assert_allclose(Cvar(1e-9).prepare(costs)(mass)[0], costs.min(), atol=1e-12)


@pytest.mark.parametrize(
    ("make_objective", "message"),
    [(lambda: Cvar(0.0), "alpha in .0, 1., got 0.0"), (lambda: Gibbs(-1.0), "eta > 0, got -1.0")],
)
def test_objectives_refuse_parameters_out_of_range(make_objective, message):
    with pytest.raises(ConfigError, match=message):
        make_objective()


@pytest.mark.parametrize("objective", [Mean(), Cvar(0.3), Cvar(1.0), Gibbs(0.7)], ids=str)
def test_derivatives_are_those_of_the_value(objective):
    """Along changes that keep the mass, as those of a state do; costs are all different."""
    rng = np.random.default_rng(0)
    costs, p = rng.normal(size=9), rng.dirichlet(np.ones(9))[:, None]
    figure = objective.prepare(costs)
    change = rng.normal(size=9)[:, None]
    change -= change.mean()
    step = 1e-7
    slope = (figure(p + step * change)[0] - figure(p - step * change)[0]) / (2 * step)
    _, derivatives = figure(p)
    assert (derivatives * change).sum() == pytest.approx(slope.item(), abs=1e-6)


def test_columns_are_distributions_of_their_own():
    rng = np.random.default_rng(1)
    costs, p = rng.normal(size=7), rng.dirichlet(np.ones(7), size=3).T
    for objective in (Mean(), Cvar(0.3), Gibbs(0.7)):
        figure = objective.prepare(costs)
        alone = [figure(p[:, [column]])[0].item() for column in range(3)]
        assert figure(p)[0] == pytest.approx(alone)
