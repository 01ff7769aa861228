"""Rules for LoRA pairs against the mean of their products, and their errors against theory."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.federation.averaging.lora import (
    ROW,
    RULES,
    Pair,
    aggregation_error,
    averaged,
    decomposed,
    partitioned,
    stacked,
)

WIDTH = 64


def pairs(ranks, seed=0, common=0.0):
    """Random pairs; `common` is the share of `down` that all have in common."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(max(ranks), WIDTH))
    return [
        Pair(
            rng.normal(size=(WIDTH, r)),
            common * shared[:r] + (1 - common) * rng.normal(size=(r, WIDTH)),
        )
        for r in ranks
    ]


def shares(n, seed=1):
    found = np.random.default_rng(seed).dirichlet(np.ones(n))
    return list(found / found.sum())


def mean_product(given, weights):
    return sum(w * pair.up @ pair.down for pair, w in zip(given, weights, strict=True))


@pytest.mark.parametrize("ranks", [(4, 4, 4), (1, 8, 3, 2)])
def test_stacking_is_the_mean_product_for_any_ranks(ranks):
    given, weights = pairs(ranks), shares(len(ranks))
    whole = stacked(given, weights)
    assert whole.rank == sum(ranks)
    np.testing.assert_allclose(whole.product, mean_product(given, weights), atol=1e-12)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_padding_with_zeros_and_the_order_change_nothing(rule):
    given, weights = pairs((4, 2, 4)), shares(3)
    merged = rule(given, weights).product
    order = [2, 0, 1]
    np.testing.assert_allclose(
        rule([given[i] for i in order], [weights[i] for i in order]).product, merged, atol=1e-12
    )
    if rule is not partitioned:  # to whom zeros are a term like any other
        np.testing.assert_allclose(
            rule([pair.first(4) for pair in given], weights).product, merged, atol=1e-12
        )


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_one_holder_is_copied(rule):
    [only] = pairs((3,))
    np.testing.assert_allclose(rule([only], [1.0]).product, only.product, atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 10, 20])
def test_unrelated_factors_are_lost_by_averaging(n):
    """Ratio sqrt(1 - 1/n) for independent factors; five standard errors over 40 draws."""
    weights = [1 / n] * n
    seen = [
        aggregation_error(given := pairs((4,) * n, seed), weights, averaged(given, weights))
        for seed in range(40)
    ]
    assert np.mean(seen) == pytest.approx(np.sqrt(1 - 1 / n), abs=5 * np.std(seen) / 40**0.5)


def test_the_error_of_averaging_is_the_covariance_of_the_factors():
    given, weights = pairs((4, 4, 4)), shares(3)
    middle = averaged(given, weights)
    covariance = sum(
        w * (p.up - middle.up) @ (p.down - middle.down) for p, w in zip(given, weights, strict=True)
    )
    np.testing.assert_allclose(
        mean_product(given, weights) - middle.product, covariance, atol=1e-12
    )


def test_a_common_down_makes_averaging_exact():
    given, weights = pairs((4, 4, 4), common=1.0), shares(3)
    assert aggregation_error(given, weights, averaged(given, weights)) < 1e-12
    assert aggregation_error(given := pairs((4, 4, 4)), weights, averaged(given, weights)) > 0.5


def test_decomposition_loses_the_discarded_singular_values_and_nothing_else():
    given, weights = pairs((2, 4, 3)), shares(3)
    merged, wanted = decomposed(given, weights), mean_product(given, weights)
    values = np.linalg.svd(wanted, compute_uv=False)
    assert merged.rank == 4
    lost = np.linalg.norm(wanted - merged.product)
    assert lost == pytest.approx(np.linalg.norm(values[4:]), rel=1e-9)
    first = np.linalg.norm(wanted - merged.first(2).product)
    assert first == pytest.approx(np.linalg.norm(values[2:]), rel=1e-9)


def test_decomposition_of_nothing_can_still_learn():
    """A pair of zeros has no gradient: the rows of `down` keep their length."""
    empty = [Pair(np.zeros((WIDTH, 4)), pair.down) for pair in pairs((4, 4))]
    merged = decomposed(empty, [0.5, 0.5])
    assert not merged.product.any()
    assert np.linalg.norm(merged.down, axis=1) == pytest.approx([ROW] * 4)


def test_partitions_keep_the_size_of_terms_that_few_have():
    long, short = pairs((4, 2))
    half = [0.5, 0.5]
    np.testing.assert_allclose(partitioned([long, short], half).down[2:], long.down[2:])
    np.testing.assert_allclose(averaged([long, short], half).down[2:], long.down[2:] / 2)


def test_what_is_no_pair_and_no_share_is_refused():
    good = pairs((2,))[0]
    with pytest.raises(ModuleMismatchError, match="are no pair"):
        Pair(np.zeros((4, 2)), np.zeros((3, 4)))
    with pytest.raises(ModuleMismatchError, match="one shape"):
        stacked([good, Pair(np.zeros((4, 2)), np.zeros((2, 4)))], [0.5, 0.5])
    with pytest.raises(ConfigError, match="sum to 1"):
        averaged([good], [0.5])
