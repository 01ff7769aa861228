"""Intervals against scipy.stats and against their coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from qfl.core.errors import ConfigError
from qfl.report.statistics.intervals import (
    band,
    bca_interval,
    censored_median,
    mean_interval,
    median_interval,
    student_interval,
    times_to_event,
    wilson_interval,
)


def rng():
    return np.random.default_rng(0)


def test_student_equals_scipy():
    sample = rng().normal(3, 2, size=7)
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    interval = student_interval(sample)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.excludes(0) == (not expected.low <= 0 <= expected.high)


def test_one_value_has_no_interval():
    interval = student_interval([2.0])
    assert (interval.estimate, interval.method, interval.known) == (2.0, "none", False)
    assert not interval.excludes(0)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 17), (10, 10), (60, 120)])
def test_wilson_equals_scipy(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    interval = wilson_interval(successes, trials)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_proportions_are_refused(successes, trials):
    with pytest.raises(ConfigError, match="0 <= successes <= trials"):
        wilson_interval(successes, trials)


def test_bca_agrees_with_scipy_within_resampling_noise():
    """Limits of 4,000 resamples have a standard error below 0.04 here; 5 of them are allowed."""
    sample = np.random.default_rng(4).exponential(size=14)
    expected = stats.bootstrap(
        (sample,), np.mean, method="BCa", n_resamples=9_999, rng=np.random.default_rng(1)
    ).confidence_interval
    interval = bca_interval(sample, rng=rng())
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.2 * sample.std())
    assert interval.high - sample.mean() > sample.mean() - interval.low  # leans with the skew


def test_bca_of_equal_values_is_that_value():
    interval = bca_interval(np.full(12, 0.5), rng=rng())
    assert (interval.low, interval.high) == (0.5, 0.5)


def test_small_samples_use_student_and_larger_ones_the_bootstrap():
    assert mean_interval(np.arange(9.0), rng=rng()).method == "Student"
    assert mean_interval(np.arange(10.0), rng=rng()).method == "BCa bootstrap"


def test_student_covers_as_often_as_it_says():
    """2,000 intervals at 95 %: fewer than 1,850 hits has probability below 1e-6 if honest."""
    samples = np.random.default_rng(2).normal(size=(2_000, 6))
    hits = sum(not student_interval(sample).excludes(0.0) for sample in samples)
    assert 1_850 < hits < 1_940


@pytest.mark.parametrize("n", [4, 12])
def test_bands_are_pointwise_intervals(n):
    curves = np.random.default_rng(3).normal(size=(n, 5)).cumsum(axis=1)
    found = band(curves, rng=rng())
    np.testing.assert_allclose(found.mean, curves.mean(axis=0))
    np.testing.assert_allclose(found.median, np.median(curves, axis=0))
    for point in range(5):
        single = mean_interval(curves[:, point], rng=rng())
        assert found.low[point] == pytest.approx(single.low, abs=1e-12)
        assert found.high[point] == pytest.approx(single.high, abs=1e-12)


def test_a_single_curve_has_no_band():
    found = band(np.ones((1, 3)), rng=rng())
    assert np.isnan(found.low).all()
    assert found.n == 1


def test_censored_times_are_counted_not_dropped():
    times = times_to_event([4.0, math.inf, 7.0, math.inf], end=20, rng=rng())
    assert (times.reached, times.censored) == (2, True)
    assert times.median == math.inf
    assert times.restricted.estimate == (4 + 20 + 7 + 20) / 4


@pytest.mark.parametrize("times", [[3.0, 5.0, 9.0, 20.0], [2.0], [1.0, 2.0]])
def test_without_censoring_the_median_is_the_median(times):
    assert censored_median(times) == np.median(times)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0, 2.0]]])
def test_nothing_is_computed_from_nothing(values):
    with pytest.raises(ConfigError, match="non-empty row"):
        student_interval(values)


def test_the_median_interval_covers_any_distribution():
    """Exact: with 6 values the extremes hold the median with probability 1 - 2 / 2^6."""
    assert math.isnan(median_interval([1.0] * 5).low)
    found = median_interval([3.0, 1.0, math.inf, 2.0, 5.0, 4.0])
    assert (found.estimate, found.low, found.high) == (3.5, 1.0, math.inf)
