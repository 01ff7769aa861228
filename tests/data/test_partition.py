"""Splits are disjoint and covering, and depend on the data and the stream alone."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.data.heterogeneity import label_heterogeneity
from qfl.data.partition import coverage, dirichlet, holdout, iid

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


def test_coverage_uses_every_pattern_equally_often():
    held = coverage(["image", "profile"], ["a", "b"], clients=18, rng=np.random.default_rng(3))
    assert len(set(held)) == 9
    assert all(held.count(pattern) == 2 for pattern in held)


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
