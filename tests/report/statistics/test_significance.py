"""Tests of tests: against scipy.stats, enumeration, and the numbers of the literature."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qfl.core.errors import ConfigError
from qfl.report.statistics.significance import (
    equivalence,
    friedman,
    holm,
    nemenyi_critical_difference,
    paired_log_rank,
    paired_sign_flip,
    pairs_needed,
    rank_refusal,
    smallest_p,
)

DIFFERENCES = st.lists(st.integers(-6, 6), min_size=2, max_size=9)


def rng():
    return np.random.default_rng(0)


@pytest.mark.property
@given(DIFFERENCES)
def test_sign_flip_equals_scipys_exact_permutation_test(differences):
    expected = stats.permutation_test(
        (np.array(differences, dtype=float), np.zeros(len(differences))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert paired_sign_flip(differences, rng=rng()).p == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("n", "p"),
    [(4, 0.125), (5, 0.0625), (6, 0.03125), (7, 0.015625), (8, 0.0078125), (10, 0.00195)],
)
def test_smallest_p_of_the_reference_table(n, p):
    assert smallest_p(n) == pytest.approx(p, rel=0.01)
    test = paired_sign_flip(np.arange(1.0, n + 1), rng=rng())
    assert test.exact
    assert test.p == test.smallest == smallest_p(n)


@pytest.mark.parametrize(("comparisons", "n"), [(1, 6), (5, 8), (10, 9)])
def test_pairs_needed_for_alpha_five_percent(comparisons, n):
    assert pairs_needed(comparisons) == n
    assert smallest_p(n) <= 0.05 / comparisons < smallest_p(n - 1)


def test_equal_samples_differ_with_probability_one():
    assert paired_sign_flip(np.zeros(6), rng=rng()).p == 1.0


def test_random_flips_agree_with_the_exact_test():
    """99,999 draws: the standard error at p = .1 is .001; 5 of them are allowed (1e-6)."""
    sample = np.random.default_rng(5).normal(0.4, 1, size=18)
    test = paired_sign_flip(sample, rng=rng())
    signs = np.array(list(itertools.product([-1, 1], repeat=18)))
    exact = (np.abs(signs @ sample) >= abs(sample.sum()) - 1e-9).mean()
    assert not test.exact
    assert test.p == pytest.approx(exact, abs=0.005)


def test_sign_flip_keeps_its_level():
    """1,000 null samples of 8: P(p <= .05) <= .05 exactly, so over 90 hits have P < 1e-7."""
    samples = np.random.default_rng(6).normal(size=(1_000, 8))
    assert sum(paired_sign_flip(sample, rng=rng()).p <= 0.05 for sample in samples) <= 90


def by_hand(first, second, end):
    """Observed minus expected events of the first group, straight from the risk sets."""
    gap = 0.0
    for time in {t for t in (*first, *second) if t <= end}:
        risk = [sum(t >= time for t in group) for group in (first, second)]
        events = [sum(t == time for t in group) for group in (first, second)]
        gap += events[0] - risk[0] * sum(events) / sum(risk)
    return gap


def test_log_rank_enumerates_swaps_within_pairs():
    first, second, end = [3.0, 5.0, math.inf, 8.0], [6.0, math.inf, math.inf, 7.0], 10.0
    observed = abs(by_hand(first, second, end))
    gaps = []
    for swaps in itertools.product([False, True], repeat=4):
        pairs = [(b, a) if s else (a, b) for a, b, s in zip(first, second, swaps, strict=True)]
        gaps.append(abs(by_hand(*zip(*pairs, strict=True), end)))
    expected = np.mean([gap >= observed - 1e-9 for gap in gaps])
    assert paired_log_rank(first, second, censored_at=end, rng=rng()).p == pytest.approx(expected)


def test_log_rank_orders_samples_as_scipy_does():
    """The same statistic up to its scale: scipy's has the sign of observed minus expected."""
    first, second, end = [2.0, 3.0, 4.0, 9.0], [6.0, 8.0, 11.0, 12.0], 10.0
    censored = [
        stats.CensoredData(
            uncensored=[t for t in group if t <= end], right=[end for t in group if t > end]
        )
        for group in (first, second)
    ]
    assert stats.logrank(*censored).statistic * by_hand(first, second, end) > 0
    assert paired_log_rank(first, second, censored_at=end, rng=rng()).p == 0.125


def test_unequal_numbers_are_not_pairs():
    with pytest.raises(ConfigError, match="equally many"):
        paired_log_rank([1.0], [1.0, 2.0], censored_at=3, rng=rng())


@pytest.mark.property
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_monotone_and_never_below_the_raw_p(p):
    adjusted = holm(p)
    assert all(a >= raw for a, raw in zip(adjusted, p, strict=True))
    assert all(a <= 1 for a in adjusted)
    by_size = [a for _, a in sorted(zip(p, adjusted, strict=True))]
    assert by_size == sorted(by_size)
    assert min(adjusted) == pytest.approx(min(1.0, len(p) * min(p)))


def test_holm_of_the_textbook():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])


def test_equivalence_equals_two_one_sided_t_tests():
    sample = np.random.default_rng(7).normal(0.1, 0.5, size=12)
    found = equivalence(sample, margin=0.5)
    lower = stats.ttest_1samp(sample, -0.5, alternative="greater").pvalue
    upper = stats.ttest_1samp(sample, 0.5, alternative="less").pvalue
    assert found.p == pytest.approx(max(lower, upper))
    assert found.equivalent == (found.p < 0.05)


def test_a_wide_gap_is_not_equivalence():
    assert not equivalence([1.0, 1.1, 0.9], margin=0.5).equivalent
    assert equivalence([0.1, 0.1, 0.1], margin=0.5).equivalent


@pytest.mark.parametrize(("sample", "margin"), [([1.0], 1.0), ([1.0, 2.0], 0.0)])
def test_equivalence_needs_pairs_and_a_margin(sample, margin):
    with pytest.raises(ConfigError, match="margin > 0 and two pairs"):
        equivalence(sample, margin=margin)


@pytest.mark.golden
def test_nemenyi_critical_difference_of_the_reference():
    assert nemenyi_critical_difference(6, 12) == pytest.approx(2.177, abs=1e-3)


@pytest.mark.golden
def test_nemenyi_quantiles_of_demsar():
    """Demšar 2006, table 5(a): q at alpha .05 for 2 to 10 classifiers."""
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(table, start=2):
        blocks = k * (k + 1) / 6  # makes the square root one
        assert nemenyi_critical_difference(k, blocks) == pytest.approx(q, abs=1.5e-3)


def test_friedman_equals_scipy_with_and_without_ties():
    table = np.random.default_rng(8).integers(0, 5, size=(9, 4)).astype(float)
    expected = stats.friedmanchisquare(*table.T)
    ranks = friedman(table, higher_is_better=False)
    assert (ranks.statistic, ranks.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert ranks.mean_ranks.sum() == pytest.approx(4 * 5 / 2)


def test_rank_one_is_the_best():
    table = [[0.9, 0.5, 0.1]] * 6
    np.testing.assert_allclose(friedman(table, higher_is_better=True).mean_ranks, [1, 2, 3])
    np.testing.assert_allclose(friedman(table, higher_is_better=False).mean_ranks, [3, 2, 1])


def test_all_equal_ranks_are_no_evidence():
    assert friedman(np.ones((6, 3)), higher_is_better=True).p == 1.0


def test_too_few_instances_are_refused():
    assert rank_refusal(6, 3) == ""
    assert "seeds are not instances" in rank_refusal(1, 7)
    assert "three methods" in rank_refusal(9, 2)
    with pytest.raises(ConfigError, match="6 instances"):
        friedman(np.ones((3, 3)), higher_is_better=True)
