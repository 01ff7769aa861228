"""Ramps have the published shape and the project's signs."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.solvers.schedules.ramp import LinearRamp, linear_ramp


@pytest.mark.golden
def test_the_published_ramp():
    """arXiv:2405.09169, published signs; ours negate beta."""
    ramp = linear_ramp(4, delta_gamma=0.6, delta_beta=0.3)
    np.testing.assert_allclose(ramp[0], [0.15, 0.3, 0.45, 0.6], atol=1e-12)
    np.testing.assert_allclose(-ramp[1], [0.3, 0.225, 0.15, 0.075], atol=1e-12)


@pytest.mark.parametrize("options", [{"delta_gamma": 0}, {"delta_beta": -0.3}, {"unit": "largest"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError):
        LinearRamp(**options)
