"""CKA against its invariances, its definition and known values; centrality against its cases."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.federation.modalities.cka import centrality, cka, similarities

ESTIMATORS = ("unbiased", "biased")


def features(n=60, width=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width))


def rotation(width, seed=1):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_representation_is_aligned_with_itself(estimator):
    assert cka(features(), features(), estimator=estimator) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rotation_scale_and_shift_change_nothing(estimator):
    x, y = features(), features(seed=3) + 0.5 * features()
    before = cka(x, y, estimator=estimator)
    after = cka(1e3 * x @ rotation(8) + 5, 1e-3 * y @ rotation(8, 2) - 2, estimator=estimator)
    assert after == pytest.approx(before, abs=1e-10)
    assert 0.05 < before < 0.95


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_other_linear_maps_do_change_it(estimator):
    """The mutation of the test above: stretching one direction is no rotation."""
    x = features()
    stretched = x * np.array([10.0, *[1.0] * 7])
    assert cka(x, stretched, estimator=estimator) < 0.9


@pytest.mark.parametrize("n", [32, 256, 1024])
def test_independent_features_are_not_aligned(n):
    found = [cka(features(n, 64, 2 * s), features(n, 64, 2 * s + 1)) for s in range(10)]
    assert np.abs(found).max() < 0.1


@pytest.mark.parametrize(("n", "known"), [(32, 0.67), (256, 0.20), (1024, 0.06)])
def test_the_biased_estimate_of_few_samples_is_far_off(n, known):
    """Known values for 64 independent numbers; the mutation of the test above."""
    x, y = features(n, 64, 0), features(n, 64, 1)
    assert cka(x, y, estimator="biased") == pytest.approx(known, abs=0.02)


def test_the_definitions_written_out():
    x, y = features(20, 5), features(20, 7, 1)
    xc, yc = x - x.mean(0), y - y.mean(0)
    norm = np.linalg.norm
    biased = norm(yc.T @ xc) ** 2 / (norm(xc.T @ xc) * norm(yc.T @ yc))
    assert cka(x, y, estimator="biased") == pytest.approx(biased, rel=1e-10)
    unbiased = hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))
    assert cka(x, y) == pytest.approx(unbiased, rel=1e-10)


def hsic(x, y):
    """Song et al. 2012, eq. 5, term by term."""
    n, one = len(x), np.ones(len(x))
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    trace = np.trace(k @ m)
    product = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    return (trace + product - 2 / (n - 2) * one @ k @ m @ one) / (n * (n - 3))


def test_widths_may_differ_and_the_matrix_is_symmetric():
    found = similarities([features(30, 4), features(30, 9, 1), features(30, 4)])
    np.testing.assert_allclose(found, found.T, atol=1e-15)
    assert found[0, 2] == pytest.approx(1)
    assert found.diagonal().tolist() == [1, 1, 1]


def test_what_does_not_vary_is_aligned_with_nothing():
    assert cka(features(), np.ones((60, 3))) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([features(9), features(8)], "the same samples"),
        ([features(3), features(3)], "at least 4"),
        ([features(), np.full((60, 2), np.nan)], "NaN"),
    ],
)
def test_what_cannot_be_compared_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        cka(*wrong)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1.0, 0.0, -0.2])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_equal_similarities_make_all_exactly_as_central(count, value):
    similar = np.full((count, count), value)
    np.fill_diagonal(similar, 1.0)
    assert centrality(similar).tolist() == [1.0] * count


def test_the_odd_one_out_counts_least():
    similar = np.array([[1, 0.9, 0.1], [0.9, 1, -0.3], [0.1, -0.3, 1]])
    assert centrality(similar).tolist() == pytest.approx([1.0, 0.45 / 0.5, 0.05 / 0.5])
