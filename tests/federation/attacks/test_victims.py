"""The hand-written gradients are autograd's, and clipping bounds what one sample can do."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from qfl.core.errors import ConfigError
from qfl.federation.attacks.victims import Descent, Shape, accuracy, descend

SHAPE = Shape(inputs=6, hidden=5, classes=3)


def problem(seed=0, models=2, n=7):
    rng = np.random.default_rng(seed)
    weights = SHAPE.start(models, rng=rng)
    weights += 0.1 * rng.standard_normal(weights.shape, dtype=np.float32)
    inputs = rng.random((models, n, SHAPE.inputs), dtype=np.float32)
    labels = rng.integers(0, SHAPE.classes, (models, n))
    counts = (rng.random((models, n)) < 0.7).astype(np.float32)
    return weights, (inputs, labels, counts)


def by_autograd(weights, inputs, label):
    """Return the gradient of one sample of one model, flat."""
    flat = torch.from_numpy(weights.copy()).requires_grad_()
    cut = (SHAPE.inputs + 1) * SHAPE.hidden
    first, last = flat[:cut].view(-1, SHAPE.hidden), flat[cut:].view(-1, SHAPE.classes)
    hidden = torch.relu(torch.from_numpy(inputs) @ first[:-1] + first[-1])
    loss = cross_entropy((hidden @ last[:-1] + last[-1])[None], torch.tensor([int(label)]))
    return torch.autograd.grad(loss, flat)[0].numpy()


def step(weights, data, **options):
    moved = descend(SHAPE, weights, data, descent=Descent(steps=1, rate=1.0, **options))
    return (weights - moved) * np.maximum(data[2].sum(1), 1)[:, None]


def test_a_step_is_autograds():
    weights, (inputs, labels, counts) = problem()
    found = step(weights, (inputs, labels, counts))
    for model in range(2):
        expected = sum(
            by_autograd(weights[model], x, y)
            for x, y, c in zip(inputs[model], labels[model], counts[model], strict=True)
            if c
        )
        assert found[model] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("clip", [0.05, 0.8, 100.0])
def test_every_sample_is_clipped_by_itself(clip):
    weights, (inputs, labels, counts) = problem(1)
    found = step(weights, (inputs, labels, counts), clip=clip)
    for model in range(2):
        rows = [
            by_autograd(weights[model], x, y)
            for x, y, c in zip(inputs[model], labels[model], counts[model], strict=True)
            if c
        ]
        expected = sum(row * min(1, clip / np.linalg.norm(row)) for row in rows)
        assert found[model] == pytest.approx(expected, abs=1e-5)


def test_one_sample_moves_the_clipped_sum_by_the_clip_at_most():
    weights, (inputs, labels, counts) = problem(2)
    whole = step(weights, (inputs, labels, np.ones_like(counts)), clip=0.3)
    for left_out in range(inputs.shape[1]):
        others = np.ones_like(counts)
        others[:, left_out] = 0
        moved = np.linalg.norm(whole - step(weights, (inputs, labels, others), clip=0.3), axis=1)
        assert (moved <= 0.3 + 1e-5).all()


def test_noise_has_the_stated_size():
    """Standard deviation z x clip of the sum, over 10,000 draws within 5 %: false alarm < 1e-6."""
    weights, data = problem(3, models=200)
    quiet = step(weights, data, clip=0.5)
    descent = Descent(steps=1, rate=1.0, clip=0.5, noise_multiplier=3.0)
    noisy = descend(SHAPE, weights, data, descent=descent, rng=np.random.default_rng(0))
    noise = (weights - noisy) * np.maximum(data[2].sum(1), 1)[:, None] - quiet
    assert noise.size > 10_000
    assert noise.std() == pytest.approx(1.5, rel=0.05)


def test_models_do_not_mix_and_learn():
    weights, data = problem(4, models=3, n=12)
    together = descend(SHAPE, weights, data, descent=Descent(steps=200, rate=0.5))
    for model in range(3):
        alone = descend(
            SHAPE,
            weights[model : model + 1],
            tuple(part[model : model + 1] for part in data),
            descent=Descent(steps=200, rate=0.5),
        )
        assert together[model] == pytest.approx(alone[0], abs=1e-4)
        used = data[2][model] > 0
        right = accuracy(SHAPE, alone, data[0][model][used], data[1][model][used])
        assert right[0] > 0.8


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="set clip"):
        Descent(steps=1, rate=1.0, noise_multiplier=1.0)
    with pytest.raises(ConfigError, match="steps"):
        Descent(steps=0, rate=1.0)
    weights, data = problem()
    with pytest.raises(ConfigError, match="pass rng"):
        descend(
            SHAPE,
            weights,
            data,
            descent=Descent(steps=1, rate=1.0, clip=1.0, noise_multiplier=1.0),
        )
