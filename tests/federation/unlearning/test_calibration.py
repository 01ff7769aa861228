"""Forgetting: lengths, costs and refusals."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.federation.unlearning.calibration import (
    calibrated_update,
    calibration_speedup,
    shard_retraining_fraction,
)


def test_a_calibrated_update_has_the_old_length_and_the_new_direction():
    stored, retrained = np.array([1.0, -2.0, 2.0]), np.array([0.5, 0.5, 0.0])
    update = calibrated_update(stored, retrained)
    assert np.linalg.norm(update) == pytest.approx(3.0)
    assert np.cross(update, retrained) == pytest.approx(np.zeros(3), abs=1e-15)


def test_costs():
    assert calibration_speedup(interval=4, ratio=0.25) == 16.0
    assert shard_retraining_fraction(1) == 1.0


def test_bad_input_is_named():
    with pytest.raises(ConfigError, match="not zero"):
        calibrated_update([1.0], [0.0])
    with pytest.raises(ConfigError, match="one shape"):
        calibrated_update([1.0, 2.0], [1.0])
    with pytest.raises(ConfigError, match="ratio 0"):
        calibration_speedup(interval=1, ratio=0)
    with pytest.raises(ConfigError, match="0 shards"):
        shard_retraining_fraction(0)
