"""The references behind every study: what pooled data teach, and what clients learn alone."""

import numpy as np
import pytest

from qfl.core.rng import Streams
from qfl.federation.engine import LocalTraining
from qfl.models.pooled import Pooled
from qfl.scenarios.difficulty import Difficulty, averaged, difficulty, pooled
from qfl.scenarios.synthetic import Synthetic

TRAINING = LocalTraining(epochs=20, batch_size=32, learning_rate=2e-3, optimiser="adamw")


def measured(scenario, seed):
    streams = Streams(seed)
    return difficulty(
        scenario.build(streams), recipe=Pooled(32), training=TRAINING, streams=streams
    )


def test_the_default_synthetic_federation_is_informative():
    """Mean over two of the seeds it was tuned on; no study reports these."""
    found = averaged([measured(Synthetic(), seed) for seed in (1000, 1001)])
    assert len(found) == 4
    assert {task.objection for task in found.values()} == {""}


def test_noise_that_drowns_the_data_is_not():
    found = measured(Synthetic(clients=6, patterns=2, noise=20.0), 1000)
    assert not any(task.learnable or task.informative for task in found.values())


@pytest.mark.parametrize(
    ("kind", "naive", "pooled", "local", "learnable", "informative"),
    [
        ("classification", 0.4, 0.75, 0.70, True, True),
        ("classification", 0.4, 0.59, 0.40, False, False),
        ("classification", 0.4, 0.75, 0.73, True, False),
        ("classification", 0.4, 0.98, 0.70, True, False),
        ("regression", 0.0, 0.37, 0.30, True, True),
        ("regression", 0.0, 0.35, 0.10, False, False),
        ("regression", 0.0, 1.0, 0.10, True, False),
    ],
)
def test_the_window(kind, naive, pooled, local, learnable, informative):
    found = Difficulty("t", kind, naive, pooled, local)
    assert (found.learnable, found.informative) == (learnable, informative)
    assert bool(found.objection) != informative


def test_scores_are_averaged_over_worlds():
    first, second = ({"t": Difficulty("t", "regression", 0.0, p, p / 2)} for p in (0.4, 0.8))
    [mean] = averaged([first, second]).values()
    assert (mean.naive, mean.pooled, mean.local) == pytest.approx((0.0, 0.6, 0.3))
    assert averaged([first, {}]) == {}


def test_pooled_samples_hide_what_their_client_lacks():
    population = Synthetic(clients=10, groups=1).build(Streams(0))
    samples = pooled(population)
    start = 0
    for client in population.clients:
        rows = slice(start, start + len(client.train))
        start += len(client.train)
        np.testing.assert_array_equal(samples.ids[rows], client.train.ids)
        for name, values in samples.inputs.items():
            has = name in client.train.inputs
            assert (samples.available[name][rows] == has).all()
            expected = client.train.inputs[name] if has else 0
            np.testing.assert_array_equal(values[rows], expected)
        for name, values in samples.targets.items():
            has = name in client.train.targets
            assert (samples.labelled[name][rows] == has).all()
            if has:
                np.testing.assert_array_equal(values[rows], client.train.targets[name])
                assert values.dtype == client.train.targets[name].dtype
    assert start == len(samples)
