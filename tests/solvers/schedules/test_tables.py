"""Tables come out in the project's convention, whatever the depth."""

import numpy as np
import pytest

from circuits.qaoa import MIXERS
from qfl.core.constraints import Exactly
from qfl.core.errors import ConfigError, UnknownNameError
from qfl.problems.graphs import MaxCut, adjacency, maxcut
from qfl.problems.load import load
from qfl.solvers.schedules.tables import FixedAngle, fixed_angles, resampled, transfer_angles
from tests.solvers.conftest import dense
from tests.solvers.schedules.conftest import bowl

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("depth", [1, 4, 17, 25])
def test_transfer_angles_ramp_towards_the_minimum(mixer, depth):
    gammas, betas = transfer_angles(mixer, depth)
    assert gammas.shape == betas.shape == (depth,)
    assert (gammas > 0).all()
    assert (betas < 0).all()
    assert depth == 1 or gammas[0] < gammas[-1]
    assert depth == 1 or betas[0] < betas[-1]


@pytest.mark.golden
def test_the_conversion_of_the_conventions_table():
    """gamma is half the published value and beta changes sign; H = -cut; arXiv:2107.00677."""
    published = ([0.9754194654, 1.7959753912], [0.5550603401, 0.2925078148])
    gammas, betas = fixed_angles(3, 2)
    np.testing.assert_allclose(2 * gammas, published[0], atol=1e-9)
    np.testing.assert_allclose(-betas, published[1], atol=1e-9)


def test_fixed_angles_read_the_degree_and_the_weight_off_the_graph():
    graph, heavy = load("petersen"), maxcut(weights=5.0 * adjacency(4, _K4))
    assert np.array_equal(FixedAngle().angles(bowl(graph, "x"), 2, RNG), fixed_angles(3, 2))
    scaled = FixedAngle().angles(bowl(heavy, "x"), 2, RNG)
    np.testing.assert_allclose(scaled[0], fixed_angles(3, 2)[0] / 5.0)


_K4 = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


def test_an_irregular_graph_needs_a_degree():
    weighted = MaxCut(nodes=6, degree=3, weighted=True).draw(np.random.default_rng(0))
    with pytest.raises(ConfigError, match="schedule_options"):
        FixedAngle().angles(bowl(weighted, "x"), 2, RNG)
    assert FixedAngle(degree=3).angles(bowl(weighted, "x"), 2, RNG).shape == (2, 2)


def test_what_no_table_has_is_said():
    with pytest.raises(ConfigError, match="the table has 3-regular p=1"):
        fixed_angles(3, 40)
    with pytest.raises(ConfigError, match="use 'transfer'"):
        FixedAngle().angles(bowl(dense(Exactly(2), 5), "xy_complete"), 2, RNG)
    with pytest.raises(UnknownNameError, match="xy_complete"):
        transfer_angles("xy", 3)


def test_resampling_keeps_what_is_already_there():
    angles = transfer_angles("x", 5)
    assert resampled(angles, 5) is angles
    assert resampled(angles, 9).shape == (2, 9)
