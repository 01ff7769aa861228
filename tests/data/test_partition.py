"""Splits are disjoint and covering, and depend on the data and the stream alone."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.data.heterogeneity import label_heterogeneity, target_heterogeneity
from qfl.data.partition import (
    dirichlet,
    hierarchical,
    holdout,
    iid,
    inside,
    natural,
    pathological,
    quantity_skew,
    shards,
    time_blocks,
)

LABELS = np.repeat(np.arange(10), 60)


@pytest.mark.property
@settings(max_examples=30, deadline=None)
@given(
    clients=st.integers(2, 16),
    alpha=st.floats(0.2, 10.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_dirichlet_parts_are_disjoint_covering_and_large_enough(clients, alpha, seed):
    split = [
        dirichlet(LABELS, clients=clients, alpha=alpha, min_size=3, rng=np.random.default_rng(seed))
        for _ in range(2)
    ]
    assert all((a == b).all() for a, b in zip(*split, strict=True))
    assert sorted(np.concatenate(split[0])) == list(range(len(LABELS)))
    assert min(map(len, split[0])) >= 3


def test_dirichlet_says_why_no_split_exists():
    with pytest.raises(ConfigError, match="exceed the 600"):
        dirichlet(LABELS, clients=70, alpha=1.0, min_size=10, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match="raise alpha or lower min_size"):
        dirichlet(LABELS, clients=20, alpha=0.001, min_size=30, rng=np.random.default_rng(0))


def test_iid_parts_are_equal():
    parts = iid(103, clients=10, rng=np.random.default_rng(1))
    assert {len(part) for part in parts} == {10, 11}
    assert sorted(np.concatenate(parts)) == list(range(103))


def test_holdout_splits_and_refuses_an_empty_side():
    kept, held = holdout(50, fraction=0.2, rng=np.random.default_rng(2))
    assert len(held) == 10
    assert sorted([*kept, *held]) == list(range(50))
    with pytest.raises(ConfigError, match="leaves one side empty"):
        holdout(4, fraction=0.01, rng=np.random.default_rng(2))


SPLITS = {
    "iid": lambda rng: iid(len(LABELS), clients=7, rng=rng),
    "dirichlet": lambda rng: dirichlet(LABELS, clients=7, alpha=0.5, rng=rng),
    "balanced": lambda rng: dirichlet(LABELS, clients=7, alpha=0.1, balanced=True, rng=rng),
    "shards": lambda rng: shards(LABELS, clients=7, rng=rng),
    "pathological": lambda rng: pathological(LABELS, clients=7, classes=2, rng=rng),
    "quantity_skew": lambda rng: quantity_skew(len(LABELS), clients=7, alpha=1.0, rng=rng),
    "natural": lambda rng: natural(LABELS % 7),
    "time_blocks": lambda rng: time_blocks(len(LABELS), clients=7),
    "hierarchical": lambda rng: [
        part
        for edge in hierarchical(LABELS, edges=3, users=4, alpha=1.0, min_size=5, rng=rng)
        for part in edge
    ],
    "inside": lambda rng: inside(
        natural(LABELS % 3), lambda rows: [rows[own] for own in iid(len(rows), clients=4, rng=rng)]
    ),
}


@pytest.mark.parametrize("name", SPLITS)
def test_every_split_is_disjoint_covering_sorted_and_repeatable(name):
    one, two = (SPLITS[name](np.random.default_rng(5)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert sorted(np.concatenate(one)) == list(range(len(LABELS)))
    assert all((np.diff(part) > 0).all() for part in one)
    assert min(map(len, one)) >= 5


@pytest.mark.parametrize("name", sorted(set(SPLITS) - {"natural", "time_blocks"}))
def test_another_stream_gives_another_split(name):
    one, two = (SPLITS[name](np.random.default_rng(seed)) for seed in (1, 2))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(one, two, strict=True))


def test_balanced_and_shards_give_equal_sizes():
    for name in ("balanced", "shards"):
        sizes = [len(part) for part in SPLITS[name](np.random.default_rng(3))]
        assert max(sizes) - min(sizes) <= 2


def test_pathological_clients_hold_exactly_so_many_classes():
    for clients, classes in ((5, 2), (7, 3), (30, 1)):
        parts = pathological(LABELS, clients=clients, classes=classes, rng=np.random.default_rng(0))
        assert {len(np.unique(LABELS[part])) for part in parts} == {classes}
    with pytest.raises(ConfigError, match="cannot hold the 10 classes"):
        pathological(LABELS, clients=3, classes=3, rng=np.random.default_rng(0))


def test_quantity_skew_says_why_no_split_exists():
    with pytest.raises(ConfigError, match="raise alpha or lower min_size"):
        quantity_skew(100, clients=9, alpha=0.01, min_size=11, rng=np.random.default_rng(0))


def test_users_of_an_edge_share_its_samples():
    tree = hierarchical(
        LABELS, edges=3, users=2, alpha=0.5, min_size=5, rng=np.random.default_rng(4)
    )
    edges = [np.sort(np.concatenate(users)) for users in tree]
    skew = label_heterogeneity(LABELS, edges)
    below = label_heterogeneity(LABELS, [part for users in tree for part in users])
    assert 0 < skew.total_variation < below.total_variation


def test_distance_of_targets_is_that_of_scipy():
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(6)
    target = rng.normal(size=300)
    parts = time_blocks(300, clients=4)
    expected = np.mean([wasserstein_distance(target[part], target) for part in parts])
    assert target_heterogeneity(target, parts) == pytest.approx(expected)


REFERENCE = {
    # clients, alpha: total variation, Hellinger, Gini, classes; client-wise TV, Hellinger
    (10, 0.1): (0.675, 0.635, 0.36, 6.5, 0.708, 0.670),
    (10, 0.5): (0.460, 0.416, 0.20, 9.8, 0.486, 0.460),
    (10, 5.0): (0.157, 0.138, 0.07, 10, 0.200, 0.186),
    (30, 0.1): (0.698, 0.654, 0.47, 5.8, 0.737, 0.689),
    (30, 0.5): (0.447, 0.413, 0.25, 9.7, 0.481, 0.455),
    (30, 5.0): (0.165, 0.145, 0.08, 10, 0.195, 0.180),
    (100, 0.1): (0.707, 0.665, 0.48, 5.0, 0.724, 0.681),
    (100, 0.5): (0.461, 0.426, 0.25, 9.3, 0.488, 0.458),
    (100, 5.0): (0.166, 0.144, 0.08, 10, 0.182, 0.167),
}


@pytest.mark.golden
@pytest.mark.parametrize(("clients", "alpha"), REFERENCE)
def test_realised_heterogeneity_matches_the_reference(clients, alpha):
    """Means of 8 draws against the reference's 10 (class-wise) or 5 (client-wise), equal classes.

    Bound: 4.5 standard errors of the difference of two such means (false alarm < 1e-5 each), from
    the largest deviation over seeds that we measured, and .01 for the unequal classes of MNIST.
    """
    labels = np.repeat(np.arange(10), 6000)
    spread = {10: (0.047, 0.086, 0.57), 30: (0.021, 0.029, 0.37), 100: (0.0135, 0.029, 0.17)}
    distance, gini, classes = (4.5 * sd * np.sqrt(1 / 8 + 1 / 5) + 0.01 for sd in spread[clients])
    wise, own = (
        [
            label_heterogeneity(labels, dirichlet(labels, clients=clients, alpha=alpha,
                                                  balanced=balanced, rng=np.random.default_rng(k)))
            for k in range(8)
        ]
        for balanced in (False, True)
    )  # fmt: skip

    def mean(draws, name):
        return np.mean([getattr(draw, name) for draw in draws])

    expected = REFERENCE[clients, alpha]
    assert mean(wise, "total_variation") == pytest.approx(expected[0], abs=distance)
    assert mean(wise, "hellinger") == pytest.approx(expected[1], abs=distance)
    assert mean(wise, "size_gini") == pytest.approx(expected[2], abs=gini)
    assert mean(wise, "classes_per_client") == pytest.approx(expected[3], abs=classes)
    assert mean(own, "total_variation") == pytest.approx(expected[4], abs=distance)
    assert mean(own, "hellinger") == pytest.approx(expected[5], abs=distance)
    assert mean(own, "size_gini") < 1e-3


@pytest.mark.golden
def test_realised_heterogeneity_of_mnist_matches_the_reference():
    """Mean of 10 class-wise draws; the reference's seed-to-seed deviation is 0.03 for total
    variation, so 4 x 0.03 / sqrt(10) bounds a difference of means (false alarm < 1e-4)."""
    folder = os.environ.get("QFL_DATA")
    if not folder:
        pytest.skip("QFL_DATA is not set")
    file = Path(folder) / "mnist" / "mnist_70k_uint8.npz"
    if not file.exists():
        pytest.skip(f"{file.name} is not in QFL_DATA")
    labels = np.load(file)["y_train"].astype(np.int64)
    draws = [
        label_heterogeneity(
            labels, dirichlet(labels, clients=10, alpha=0.5, rng=np.random.default_rng(seed))
        )
        for seed in range(10)
    ]
    assert np.mean([d.total_variation for d in draws]) == pytest.approx(0.460, abs=0.04)
    assert np.mean([d.hellinger for d in draws]) == pytest.approx(0.416, abs=0.04)
    assert np.mean([d.size_gini for d in draws]) == pytest.approx(0.20, abs=0.04)
    assert np.mean([d.classes_per_client for d in draws]) == pytest.approx(9.8, abs=0.2)
    for clients, tv, hellinger, classes in ((10, 0.761, 0.717, 2.8), (100, 0.802, 0.746, 2.0)):
        dealt = [
            label_heterogeneity(
                labels, shards(labels, clients=clients, rng=np.random.default_rng(seed))
            )
            for seed in range(4)
        ]
        assert np.mean([d.total_variation for d in dealt]) == pytest.approx(tv, abs=0.01)
        assert np.mean([d.hellinger for d in dealt]) == pytest.approx(hellinger, abs=0.01)
        assert np.mean([d.classes_per_client for d in dealt]) == pytest.approx(classes, abs=0.15)
