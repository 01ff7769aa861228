"""Forgetting a client: directions are the retrained ones, lengths the stored ones."""

import numpy as np
import pytest

from tests.testing.known_answers.computing import got


def test_a_calibrated_update_points_where_retraining_went_as_far_as_before():
    stored, retrained = [2.0, -1.0, 2.0], [0.1, 0.2, 0.2]
    found = np.array(got("federaser_calibrate", stored=stored, retrained=retrained))
    assert np.linalg.norm(found) == pytest.approx(3.0)
    assert found / np.linalg.norm(found) == pytest.approx(np.array(retrained) / 0.3)


@pytest.mark.parametrize(("interval", "ratio"), [(1, 1.0), (2, 0.5), (10, 0.1)])
def test_calibration_saves_rounds_and_passes(interval, ratio):
    assert got("federaser_speedup", dt=interval, r=ratio) == pytest.approx(interval / ratio)


@pytest.mark.parametrize("shards", [1, 5, 20])
def test_one_request_trains_one_shard_again(shards):
    assert got("shard_unlearn", shards=shards) == pytest.approx(1 / shards)
