"""Guesses of missing modalities against what can be known about them."""

import numpy as np
import pytest
import torch

from qfl.core.errors import ConfigError
from qfl.core.tasks import Samples, Task
from qfl.federation.modalities.generators import Generators, Regression
from qfl.federation.population import TensorSamples

DIGIT = Task("digit", "classification", 3)
TASKS = (Task("size", "regression", 1), DIGIT)


def world(n=200, seed=0, noise=0.0, classes=2.0):
    """`sound` is linear in `sight` plus an offset per class; `touch` is a copy of `sight`."""
    rng = np.random.default_rng(seed)
    digit = rng.integers(0, 3, n)
    sight = rng.normal(size=(n, 2, 3))
    lens = np.random.default_rng(7).normal(size=(6, 4))
    offset = classes * np.random.default_rng(8).normal(size=(3, 4))
    sound = sight.reshape(n, -1) @ lens + offset[digit] + noise * rng.normal(size=(n, 4))
    inputs = {"sight": sight, "sound": sound, "touch": sight}
    return Samples(
        np.arange(n),
        {name: x.astype(np.float32) for name, x in inputs.items()},
        {"digit": digit, "size": sight[:, 0, 0].astype(np.float32)},
    )


def fitted(**options):
    return Generators.fitted(TensorSamples.of(world(**options)), TASKS)


def error(guess, truth):
    return float((guess - truth).square().mean())


def test_a_linear_map_is_recovered_and_a_class_is_a_prompt():
    fresh = TensorSamples.of(world(50, seed=1))
    generators = fitted()
    prompted = generators.guess(fresh, "sound", prompts=True)
    plain = generators.guess(fresh, "sound", prompts=False)
    assert error(prompted, fresh.inputs["sound"]) < 1e-3
    assert error(plain, fresh.inputs["sound"]) > 1.0
    assert prompted.shape == plain.shape == (50, 4)
    assert generators.guess(fresh, "sight", prompts=True).shape == (50, 2, 3)


def test_what_is_guessed_is_not_looked_at():
    fresh = TensorSamples.of(world(50, seed=1))
    blind = {**fresh.inputs, "sound": torch.full((50, 4), torch.nan)}
    hidden = TensorSamples(blind, fresh.targets, {"sound": torch.zeros(50)})
    for prompts in (True, False):
        left, right = (fitted().guess(s, "sound", prompts=prompts) for s in (fresh, hidden))
        assert torch.equal(left, right)


def test_without_prompts_no_label_is_looked_at():
    """The mutation: with prompts, other labels give other guesses."""
    fresh, generators = TensorSamples.of(world(50, seed=1)), fitted()
    other = TensorSamples(fresh.inputs, {"digit": (fresh.targets["digit"] + 1) % 3})
    plain, prompted = (
        [generators.guess(s, "sound", prompts=prompts) for s in (fresh, other)]
        for prompts in (False, True)
    )
    assert torch.equal(*plain)
    assert not torch.allclose(*prompted, atol=0.1)


def test_unknown_labels_and_unasked_tasks_give_no_prompt():
    fresh, generators = TensorSamples.of(world(6, seed=1)), fitted()
    known = torch.tensor([1.0, 0, 1, 0, 1, 0])
    half = TensorSamples(fresh.inputs, fresh.targets, {}, {"digit": known})
    guess = generators.guess(half, "sound", prompts=True)
    for row in range(6):
        expected = generators.guess(fresh, "sound", prompts=bool(known[row]))[row]
        assert torch.equal(guess[row], expected)
    elsewhere = TensorSamples(fresh.inputs, {"size": fresh.targets["size"]})
    assert torch.equal(
        generators.guess(elsewhere, "sound", prompts=True),
        generators.guess(fresh, "sound", prompts=False),
    )


def test_several_sources_are_averaged_where_a_sample_has_them():
    fresh, generators = TensorSamples.of(world(4, seed=1)), fitted(noise=0.5)
    masks = {"sight": torch.tensor([1.0, 1, 0, 0]), "sound": torch.tensor([1.0, 0, 1, 0])}
    some = TensorSamples(fresh.inputs, fresh.targets, masks)

    def alone(name):
        only = TensorSamples({name: fresh.inputs[name]}, fresh.targets)
        return generators.guess(only, "touch", prompts=False)

    guess = generators.guess(some, "touch", prompts=False)
    expected = [(alone("sight") + alone("sound"))[0] / 2, alone("sight")[1], alone("sound")[2]]
    for row, value in enumerate(expected):
        assert torch.allclose(guess[row], value, atol=1e-6)
    assert not guess[3].any()  # nothing to guess from


def test_the_penalty_follows_the_noise():
    """More numbers than samples and nothing to learn: the guess shrinks to the mean."""
    rng = np.random.default_rng(0)
    x, y, alike = rng.normal(size=(40, 100)), rng.normal(size=(40, 3)), np.zeros(40, np.intp)
    blank = Regression.fitted(x, y, alike, 1)
    learnt = Regression.fitted(x, x[:, :3], alike, 1)
    assert float(blank.weights.abs().max()) < 0.1 * float(learnt.weights.abs().max())


def test_the_slope_is_that_of_the_normal_equations():
    """Against a solve with the penalty that leave-one-out, done by leaving out, prefers."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 5))
    y = x @ rng.normal(size=(5, 2)) + 3 * rng.normal(size=(30, 2))
    scale = (np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2).mean()

    def solve(rows, penalty):
        a, b = x[rows] - x[rows].mean(0), y[rows] - y[rows].mean(0)
        slope = np.linalg.solve(a.T @ a + penalty * scale * np.eye(5), a.T @ b)
        return slope, y[rows].mean(0) - x[rows].mean(0) @ slope

    def left_out(penalty):
        total = 0.0
        for i in range(30):
            slope, offset = solve(np.delete(np.arange(30), i), penalty)
            total += np.square(x[i] @ slope + offset - y[i]).sum()
        return total

    best = min((10.0**k for k in range(-4, 5)), key=left_out)
    slope, offset = solve(np.arange(30), best)
    found = Regression.fitted(x, y, np.zeros(30, np.intp), 1)
    np.testing.assert_allclose(found.weights.numpy(), slope, atol=1e-5)
    np.testing.assert_allclose(found.offsets.numpy()[0], offset, atol=1e-5)
    assert 1e-4 < best < 1e4


def test_a_class_that_no_public_sample_has_gets_the_offset_of_all():
    samples = world()
    rare = samples.take(np.flatnonzero(samples.targets["digit"] != 2))
    generators = Generators.fitted(TensorSamples.of(rare), TASKS)
    offsets = generators.prompted["sight", "sound"].offsets
    assert torch.isfinite(offsets).all()
    weights = generators.prompted["sight", "sound"].weights
    mean = torch.from_numpy(rare.inputs["sound"]).mean(0)
    middle = torch.from_numpy(rare.inputs["sight"]).flatten(1).mean(0)
    assert torch.allclose(offsets[2], mean - middle @ weights, atol=1e-4)


def test_too_few_public_samples_are_refused():
    with pytest.raises(ConfigError, match="9 public samples fit no generator"):
        fitted(n=9)
