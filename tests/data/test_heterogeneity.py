"""How unequal a realised partition is: against scipy, and against a reference over many draws."""

import os
from pathlib import Path

import numpy as np
import pytest

from qfl.data.heterogeneity import label_heterogeneity, target_heterogeneity
from qfl.data.partition import dirichlet, shards, time_blocks


def test_distance_of_targets_is_that_of_scipy():
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(6)
    parts = time_blocks(300, clients=4)
    for target in (rng.normal(size=300), rng.integers(-3, 4, 300), np.zeros(300)):
        expected = np.mean([wasserstein_distance(target[part], target) for part in parts])
        assert target_heterogeneity(target, parts) == pytest.approx(expected, abs=1e-12)


def test_distance_of_targets_is_that_of_scipy_for_clients_of_any_size():
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(7)
    target = rng.normal(size=500).round(1)
    parts = np.split(rng.permutation(500), [1, 3, 10, 200])
    expected = np.mean([wasserstein_distance(target[part], target) for part in parts])
    assert target_heterogeneity(target, parts) == pytest.approx(expected, abs=1e-12)


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
