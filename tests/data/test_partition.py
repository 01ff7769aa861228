"""Splits are disjoint and covering, and depend on the data and the stream alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.data.heterogeneity import label_heterogeneity
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
