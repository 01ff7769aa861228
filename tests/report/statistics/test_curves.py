"""Curves against rounds are averaged where measured; against anything else, by then."""

import numpy as np
import pytest

from qfl.report.runs.results import AXES, read
from qfl.report.statistics.curves import MOST_POINTS, curves, thin


@pytest.fixture(scope="module")
def found(run_dir):
    return curves(read(run_dir), "digit.accuracy")


def test_every_method_has_every_axis(found):
    assert len(found) == len(AXES) * 7
    assert {curve.axis for curve in found} == set(AXES)


def test_against_rounds_the_mean_is_the_mean_of_the_seeds(run_dir, found):
    runs = read(run_dir).of("", "qaoa")
    (curve,) = (c for c in found if (c.axis, c.method) == ("round", "qaoa"))
    expected = np.mean([run.curve("digit.accuracy") for run in runs], axis=0)
    np.testing.assert_allclose(curve.band.mean, expected)
    assert curve.x.tolist() == list(range(21))


def test_against_time_a_point_is_the_last_value_measured_by_then(run_dir, found):
    runs = read(run_dir).of("", "qaoa")
    (curve,) = (c for c in found if (c.axis, c.method) == ("virtual_seconds", "qaoa"))
    assert curve.x[-1] == min(run.spent("virtual_seconds")[-1] for run in runs)
    at = curve.x[17]
    last = [run.curve("digit.accuracy")[run.spent("virtual_seconds") <= at][-1] for run in runs]
    assert curve.band.mean[17] == pytest.approx(np.mean(last))
    assert curve.band.mean[0] == pytest.approx(
        np.mean([run.curve("digit.accuracy")[0] for run in runs])
    )


@pytest.mark.parametrize("points", [1, 2, 1_999, 2_000, 2_001, 50_000])
def test_thinning_keeps_both_ends(points):
    kept = thin(points, MOST_POINTS)
    assert len(kept) == min(points, MOST_POINTS)
    assert (kept[0], kept[-1]) == (0, points - 1)
