from math import isnan, nan

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.outcome import AttackRow, Outcome, clopper_pearson


def row(without, defended, blind=0.0):
    return AttackRow(
        attack="a", defence="d", measure="m", blind=blind, without=without, defended=defended
    )


def test_the_interval_of_a_proportion_is_exact():
    from scipy.stats import binomtest

    for successes, trials in ((0, 9), (9, 9), (3, 17)):
        expected = binomtest(successes, trials).proportion_ci(0.9, method="exact")
        found = clopper_pearson(successes, trials, confidence=0.9)
        assert found == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert Outcome.of_successes(successes, trials).value == successes / trials


def test_the_interval_of_a_mean_is_students():
    from scipy.stats import t

    values = np.random.default_rng(0).normal(3, 2, 12)
    low, high = t.interval(0.95, 11, values.mean(), values.std(ddof=1) / np.sqrt(12))
    found = Outcome.of_values(values)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    cut = Outcome.of_values(values, least=values.mean(), most=values.mean() + 0.1)
    assert (cut.low, cut.high) == (values.mean(), values.mean() + 0.1)
    assert isnan(Outcome.of_values([1.0]).low)


@pytest.mark.parametrize(
    ("without", "defended", "verdict"),
    [
        (Outcome(0.1, -0.1, 0.3, 9), Outcome(0.0, -0.1, 0.1, 9), "no effect"),
        (Outcome(1.0, 0.8, 1.0, 9), Outcome(0.0, 0.0, 0.2, 9), "stopped"),
        (Outcome(1.0, 0.8, 1.0, 9), Outcome(0.4, 0.3, 0.5, 9), "weakened"),
        (Outcome(1.0, 0.8, 1.0, 9), Outcome(0.9, 0.7, 1.0, 9), "fails"),
        (Outcome(1.0, 0.8, 1.0, 9), Outcome(0.5, 0.0, 0.9, 9), "undecided"),
        (Outcome(0.1, 0.0, 0.2, 9), Outcome(0.9, 0.8, 1.0, 9), "backfires"),
        (Outcome(0.0, -0.1, 0.1, 9), Outcome(0.3, 0.2, 0.4, 9), "backfires"),
        (Outcome(1.0, nan, nan, 1), Outcome(0.0, nan, nan, 1), "no effect"),
    ],
)
def test_the_intervals_decide(without, defended, verdict):
    assert row(without, defended).verdict == verdict


@pytest.mark.parametrize(
    "call",
    [
        lambda: Outcome.of_successes(1, 0),
        lambda: Outcome.of_successes(3, 2),
        lambda: Outcome.of_values([]),
        lambda: Outcome.of_values([np.nan]),
        lambda: clopper_pearson(1, 2, confidence=1.0),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ConfigError):
        call()
