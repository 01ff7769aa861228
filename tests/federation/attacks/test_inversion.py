"""One step on one picture gives the picture away, by formula and by search."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.digits import MODALITIES, TASKS, Digits
from qfl.federation.attacks.inversion import (
    Search,
    Target,
    read_first_layer,
    read_label,
    reconstruct,
)
from qfl.federation.attacks.leaks import digits_target
from qfl.models.m3t import architecture
from qfl.security.attacks.likeness import psnr

SAMPLES = Digits().load().samples
IMAGES, LABELS = SAMPLES.inputs["image"], SAMPLES.targets["digit"]
CHOSEN = np.arange(400, 406)


@pytest.fixture(scope="module")
def target():
    return digits_target(Streams(0))


def test_a_row_is_the_gradient_of_the_mean_loss(target):
    batch = np.arange(300, 305)
    [row] = target.gradients(IMAGES[batch][None], LABELS[batch][None])
    weights = {name: tensor.clone().requires_grad_() for name, tensor in target.weights.items()}
    loss = target.loss(weights, torch.from_numpy(IMAGES[batch]), torch.from_numpy(LABELS[batch]))
    expected = torch.autograd.grad(loss, list(weights.values()))
    flat = torch.cat([part.flatten() for part in expected]).numpy()
    assert row == pytest.approx(flat, abs=1e-6)


def test_a_moved_model_is_moved_by_as_much(target):
    size = sum(tensor.numel() for tensor in target.weights.values())
    change = np.random.default_rng(2).normal(0, 1, size)
    moved = target.moved(change)
    for name, tensor in moved.weights.items():
        difference = (tensor - target.weights[name]).numpy()
        assert difference == pytest.approx(target.part(change, name), abs=1e-5)


def test_the_formula_is_exact_and_blind_to_scale(target):
    rows = target.gradients(IMAGES[CHOSEN][:, None], LABELS[CHOSEN][:, None])
    for row, image, label in zip(rows, IMAGES[CHOSEN], LABELS[CHOSEN], strict=True):
        assert np.abs(read_first_layer(target, -0.1 * row) - image).max() < 1e-6
        assert read_label(target, 0.1 * row) == label


def test_search_finds_what_the_mean_picture_does_not(target):
    """On each of six private pictures it beats the mean picture, on average by over 5 dB."""
    truth, labels = IMAGES[CHOSEN][:, None], LABELS[CHOSEN][:, None]
    rows = target.gradients(truth, labels)
    rng = np.random.default_rng(0)
    found = reconstruct(target, 7.0 * rows, labels, search=Search(steps=200), rng=rng)
    mean = IMAGES[:300].mean(axis=0)
    gains = [psnr(a, b) - psnr(mean, b) for a, b in zip(found[:, 0], truth[:, 0], strict=True)]
    assert min(gains) > 0
    assert np.mean(gains) > 5


def test_dlg_pulls_the_gradients_together(target):
    truth, labels = IMAGES[CHOSEN][:, None], LABELS[CHOSEN][:, None]
    rows = target.gradients(truth, labels)
    search = Search(distance="squared", steps=60, total_variation=0.0)
    first = np.random.default_rng(1).random(truth.shape, dtype=np.float32)
    found = reconstruct(target, rows, labels, search=search, rng=np.random.default_rng(1))
    before = ((target.gradients(first, labels) - rows) ** 2).sum(axis=1)
    after = ((target.gradients(found, labels) - rows) ** 2).sum(axis=1)
    assert (after < before / 3).all()


def test_a_linear_model_has_a_known_gradient():
    """(p - y) x^T for softmax regression: the attack works on any loss, not only on ours."""

    def loss(weights, images, labels):
        return cross_entropy(images.flatten(1) @ weights["w"].T + weights["bias"], labels)

    weights = {"w": torch.zeros(4, 9), "bias": torch.zeros(4)}
    linear = Target(weights=weights, loss=loss, picture=(3, 3), first_layer="", head="")
    x = np.linspace(0, 1, 9).reshape(1, 1, 3, 3)
    [row] = linear.gradients(x, [[2]])
    expected = np.outer([0.25, 0.25, -0.75, 0.25], x.ravel())
    assert linear.part(row, "w") == pytest.approx(expected, abs=1e-6)
    assert read_label(linear, row) == 2


def test_heads_of_zero_let_nothing_through():
    model = architecture(MODALITIES["profile"][:1], TASKS[:1], 16)
    fresh = Target.of_model(model, model.initial_state(Streams(0)), picture=(8, 8))
    [row] = fresh.gradients(IMAGES[:1][None], LABELS[:1][None])
    with pytest.raises(ConfigError, match="zero"):
        read_first_layer(fresh, row)
    assert read_label(fresh, row) == LABELS[0]


def test_nonsense_is_refused(target):
    with pytest.raises(ConfigError, match="cosine or squared"):
        Search(distance="manhattan")
    with pytest.raises(ConfigError, match="weights"):
        read_label(target, np.ones(3))
