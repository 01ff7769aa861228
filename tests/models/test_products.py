"""Layers of a stack of clients: compiled products against torch's own."""

import multiprocessing
import os

import pytest
import torch

from qfl.models import products
from qfl.models.products import affine_of_each, perceptron_of_each, shared_by

SHAPES = [(32, 64, 291), (16, 8, 300), (9, 200, 170), (40, 291, 64), (800, 1, 48), (64, 300, 5)]
"""Samples, inputs and outputs of a layer: for the kernels, beside their limits, and beyond them."""


def drawn(seed, *shape):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng).requires_grad_()


def torch_alone(call, *arguments):
    """The same by torch's own products, in double precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "_COMPILED", False)
        return call(*arguments)


def assert_same(call, tensors):
    """Values and all gradients agree with those in double precision."""
    found = call(*tensors)
    double = [tensor.detach().double().requires_grad_() for tensor in tensors]
    expected = torch_alone(call, *double)
    slopes = drawn(9, *found.shape).detach()
    scale = 1e-5 * (1 + float(expected.detach().abs().max()))
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=scale)
    ours = torch.autograd.grad(found, tensors, slopes)
    theirs = torch.autograd.grad(expected, double, slopes.double())
    for own, other in zip(ours, theirs, strict=True):
        scale = 1e-5 * (1 + float(other.abs().max()))
        torch.testing.assert_close(own.double(), other, rtol=1e-5, atol=scale)


@pytest.mark.parametrize(("samples", "into", "out"), SHAPES)
def test_a_layer_and_its_gradients(samples, into, out):
    x, weight, bias = drawn(0, 3, samples, into), drawn(1, 3, out, into), drawn(2, 3, out)
    assert_same(affine_of_each, [x, weight, bias])
    assert_same(lambda x, weight: affine_of_each(x, weight, None), [x, weight])
    turned = drawn(0, 3, into, samples)
    assert_same(lambda x, weight: affine_of_each(x.mT, weight.mT.mT, None), [turned, weight])


@pytest.mark.parametrize("last", [5, 8, 70])
@pytest.mark.parametrize(("samples", "into", "out"), SHAPES)
def test_two_layers_and_their_gradients(samples, into, out, last):
    tensors = [drawn(0, 3, samples, into), drawn(1, 3, out, into), drawn(2, 3, out)]
    tensors += [drawn(3, 3, last, out), drawn(4, 3, last)]
    assert_same(lambda x, w, b, v, c: perceptron_of_each(x, (w, b), (v, c)), tensors)


def test_what_nobody_asks_for_is_not_computed(monkeypatch):
    x, weight, bias = drawn(0, 2, 32, 64).detach(), drawn(1, 2, 64, 64), drawn(2, 2, 64).detach()
    asked = []
    own = products._Chain.product
    monkeypatch.setattr(
        products._Chain, "product", lambda *given: asked.append(given) or own(*given)
    )
    torch.autograd.grad(affine_of_each(x, weight, bias).sum(), weight)
    assert len(asked) == 1


def test_frozen_layers_hand_slopes_on():
    x, (w, b), (v, c) = (
        drawn(0, 2, 32, 64),
        (drawn(1, 2, 64, 64), drawn(2, 2, 64)),
        (
            drawn(3, 2, 64, 64).detach(),
            drawn(4, 2, 64).detach(),
        ),
    )
    slopes = torch.autograd.grad(perceptron_of_each(x, (w, b), (v, c)).sum(), [x, w, b])
    plain = affine_of_each(torch.relu(affine_of_each(x, w, b)), v, c)
    for own, other in zip(slopes, torch.autograd.grad(plain.sum(), [x, w, b]), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "weight", "bias"),
    [
        ((2, 32, 64), (5, 64, 64), (5, 64)),
        ((2, 32, 60), (2, 64, 64), (2, 64)),
        ((2, 32, 64), (2, 64, 64), (2, 60)),
    ],
    ids=["clients", "inputs", "bias"],
)
def test_shapes_that_do_not_fit_are_refused(x, weight, bias):
    x, weight, bias = drawn(0, *x), drawn(1, *weight), drawn(2, *bias)
    with pytest.raises(RuntimeError, match="size"):
        affine_of_each(x, weight, bias)
    with pytest.raises(RuntimeError, match="size"):
        perceptron_of_each(x, (weight, bias), (drawn(3, 2, 32, 64), drawn(4, 2, 32)))


def test_a_bias_of_another_kind_is_left_to_torch():
    x, weight, bias = drawn(0, 2, 32, 64), drawn(1, 2, 64, 64), drawn(2, 2, 64).double()
    with pytest.raises(RuntimeError, match=r"dtype|type"):
        affine_of_each(x, weight, bias)


def test_threads_share_products_and_change_no_bit():
    x, weight, bias = drawn(0, 5, 32, 64), drawn(1, 5, 64, 64), drawn(2, 5, 64)
    alone = affine_of_each(x, weight, bias)
    with shared_by(3):
        shared = affine_of_each(x, weight, bias)
    assert torch.equal(alone, shared)


def test_the_default_kind_of_numbers_changes_nothing():
    tensors = drawn(0, 5, 32, 64), drawn(1, 5, 70, 64), drawn(2, 5, 70)
    layers = drawn(3, 5, 70, 70), drawn(4, 5, 70)

    def slopes():
        products._zeros.cache_clear(), products._ones.cache_clear()
        x, *hidden = tensors
        return torch.autograd.grad(perceptron_of_each(x, hidden, layers).sum(), tensors)

    expected, before = slopes(), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        found = slopes()
    finally:
        torch.set_default_dtype(before)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_does_not_wait_for_its_parents_threads():
    x, weight = drawn(0, 5, 32, 64), drawn(1, 5, 64, 64)
    with shared_by(2):
        expected = affine_of_each(x, weight, None).detach()
        context = multiprocessing.get_context("fork")
        child = context.Process(target=lambda: affine_of_each(x, weight, None))
        child.start()
        child.join(60)
    ended = child.exitcode
    child.kill()
    assert ended == 0
    assert torch.equal(expected, affine_of_each(x, weight, None))


@pytest.mark.skipif(not products._COMPILED, reason="llvmlite is not installed")
def test_a_second_derivative_is_refused_rather_than_wrong():
    x, weight, bias = drawn(0, 2, 32, 64), drawn(1, 2, 64, 64), drawn(2, 2, 64)
    (slope,) = torch.autograd.grad(affine_of_each(x, weight, bias).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(slope.sum(), weight)
