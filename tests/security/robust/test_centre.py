"""Centres of a cloud of updates: what moves them, and by how much at most."""

import numpy as np
import pytest

from qfl.security.robust import (
    geometric_median,
    median,
    norm_bounded_mean,
)


def cloud(seed, n=11, d=6):
    return np.random.default_rng(seed).normal(0, 1, (n, d))


def test_more_than_half_breaks_the_median():
    rows = np.ones((11, 3))
    rows[:6] = -100
    assert median(rows).tolist() == [-100] * 3


def test_a_norm_bound_caps_what_one_client_does():
    rows = np.zeros((10, 4))
    rows[0] = 1e9
    assert np.linalg.norm(norm_bounded_mean(rows, bound=1.0)) == pytest.approx(0.1)


def test_the_geometric_median_minimises_the_distances():
    rng = np.random.default_rng(2)
    for seed in range(5):
        rows = np.vstack([cloud(seed), np.zeros((2, 6))])
        best = geometric_median(rows)
        least = np.linalg.norm(rows - best, axis=1).sum()
        for _ in range(50):
            other = best + rng.normal(0, 1e-3, 6)
            assert np.linalg.norm(rows - other, axis=1).sum() >= least - 1e-12
    assert geometric_median([[0.0], [0.0], [0.0], [7.0]]) == pytest.approx([0.0], abs=1e-12)


def test_the_geometric_median_at_and_near_repeated_updates():
    """An update whose votes just hold out against the pull of the others is the median."""
    held = geometric_median([[0, 0], [1, 1], [1, 1], [-0.84, -1.05]])
    assert held == pytest.approx([1.0, 1.0], abs=1e-12)
    assert geometric_median([[0.0, 1.0], [2.0, 1.0]]).tolist() == [1.0, 1.0]
    assert geometric_median([[3.0, 4.0]] * 3).tolist() == [3.0, 4.0]
    rng = np.random.default_rng(7)
    for _ in range(300):
        rows = rng.integers(0, 3, (rng.integers(2, 10), rng.integers(1, 4))).astype(float)
        rows[rng.random(len(rows)) < 0.3] += rng.uniform(-1, 1)
        found = geometric_median(rows)
        # Subgradient: at a minimum the others' pull does not exceed the votes of who is there.
        apart = rows - found
        distances = np.linalg.norm(apart, axis=1)
        there = distances < 1e-9
        pull = (apart[~there] / distances[~there, None]).sum(axis=0)
        assert np.linalg.norm(pull) <= there.sum() + 1e-6


def test_the_geometric_median_of_long_updates():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(12, 20_000))
    found = geometric_median(rows)
    apart = rows - found
    pull = (apart / np.linalg.norm(apart, axis=1)[:, None]).sum(axis=0)
    assert np.linalg.norm(pull) < 1e-9
