"""Angles trained for one instance: from either start to the minimum, within the budget."""

import numpy as np
import pytest

from qfl.core.constraints import Exactly
from qfl.core.errors import ConfigError, UnknownNameError
from qfl.solvers.schedules.tables import transfer_angles
from qfl.solvers.schedules.trained import STARTS, Trained
from qfl.solvers.schedules.units import in_units
from tests.solvers.conftest import dense
from tests.solvers.schedules.conftest import bowl


def scene():
    return bowl(dense(Exactly(2), 6), "xy_complete")


@pytest.mark.parametrize("start", STARTS)
def test_either_start_leads_to_the_minimum_of_a_bowl(start):
    found = Trained(evaluations=60, start=start).angles(scene(), 2, np.random.default_rng(0))
    np.testing.assert_allclose(found, [[0.3, 0.3], [-0.2, -0.2]], atol=1e-5)


def test_one_evaluation_leaves_the_angles_of_the_table():
    landscape = scene()
    found = Trained(evaluations=1).angles(landscape, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(found, in_units(landscape, transfer_angles("xy_complete", 3)))
    assert landscape.evaluations == 1


def test_options_that_contradict_each_other_are_refused_before_anything_runs():
    with pytest.raises(UnknownNameError, match="transfer"):
        Trained(start="tranfer")
    with pytest.raises(ConfigError):
        Trained(optimiser="lbfgs", shots_per_evaluation=10)
    with pytest.raises(ConfigError):
        Trained(evaluations=0)
