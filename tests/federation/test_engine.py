"""Local training against exact special cases."""

import numpy as np
import pytest
import torch

from qfl.core.rng import Streams
from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture

TASKS = (Task("digit", "classification", 3), Task("slant", "regression", 1))
MODEL = architecture((Modality("profile", (16,)),), TASKS, 8)


def samples(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 16)).astype(np.float32)
    return TensorSamples.of(
        Samples(
            np.arange(n),
            {"profile": x},
            {"digit": rng.integers(0, 3, n), "slant": x[:, 0].copy()},
        )
    )


def learn(data, training, algorithm=None, seed=0):
    return train(
        MODEL,
        MODEL.initial_state(Streams(1)),
        data,
        assignment=Assignment(
            tasks=TASKS,
            training=training,
            objective=(algorithm or FedAvg()).local_objective,
        ),
        rng=np.random.default_rng(seed),
    )


def largest_difference(left, right):
    left, right = MODEL.flatten(left), MODEL.flatten(right)
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def test_training_repeats_bit_for_bit_and_leaves_the_download_alone():
    data, training = samples(40, 3), LocalTraining(epochs=2, batch_size=8)
    downloaded = MODEL.initial_state(Streams(1))
    kept = {name: tensor.clone() for name, tensor in MODEL.flatten(downloaded).items()}
    first, second = learn(data, training), learn(data, training)
    assert largest_difference(first.state, second.state) == 0
    assert first.losses == second.losses
    assert all(torch.equal(kept[name], t) for name, t in MODEL.flatten(downloaded).items())
    assert largest_difference(first.state, learn(data, training, seed=1).state) > 0


def test_training_lowers_the_loss():
    data = samples(60, 4)
    short = learn(data, LocalTraining(epochs=1, learning_rate=0.1))
    long = learn(data, LocalTraining(epochs=20, learning_rate=0.1))
    assert long.losses["slant"] < 0.6 * short.losses["slant"]


def test_clipping_bounds_every_step():
    data = samples(20, 5)
    training = LocalTraining(epochs=1, batch_size=20, learning_rate=1.0, clip_norm=0.01)
    before = MODEL.flatten(MODEL.initial_state(Streams(1)))
    after = MODEL.flatten(learn(data, training).state)
    moved = sum(float((after[name] - before[name]).square().sum()) for name in before) ** 0.5
    assert moved == pytest.approx(0.01, rel=1e-4)


def test_operations_count_weights_and_samples():
    trained = learn(samples(10, 7), LocalTraining(epochs=3))
    weights = sum(t.numel() for t in MODEL.flatten(MODEL.initial_state(Streams(1))).values())
    assert trained.operations == 6 * weights * 10 * 3
