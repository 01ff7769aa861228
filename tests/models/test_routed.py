"""Experts that compute only their tokens against experts that compute all."""

import pytest
import torch

from qfl.models.experts import Expert, mix, top_gates
from qfl.models.routed import mix_routed

WIDTH, EXPERTS, SAMPLES, TOKENS = 8, 4, 5, 3


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def experts(clients):
    """Experts with drawn weights, and these weights."""
    found, weights = [Expert(WIDTH) for _ in range(EXPERTS)], []
    for expert in found:
        for layer in (expert.hidden, expert.out):
            for name in ("weight", "bias"):
                lead = (clients,) if clients else ()
                shape = lead + tuple(layer._parameters[name].shape)
                layer._parameters[name] = drawn(*shape, seed=len(weights)).requires_grad_()
                weights.append(layer._parameters[name])
    return found, weights


@pytest.mark.parametrize("clients", [None, 3])
@pytest.mark.parametrize("kept", [1, 2, 4])
def test_values_and_gradients_are_those_of_the_dense_mixture(clients, kept):
    found, weights = experts(clients)
    x = drawn(SAMPLES * (clients or 1), TOKENS, WIDTH, seed=50).requires_grad_()
    scores = drawn(*x.shape[:2], EXPERTS, seed=51).requires_grad_()
    shares, slope = scores.softmax(-1), drawn(*x.shape, seed=52)
    gates, places = top_gates(shares, kept), shares.topk(kept, -1).indices
    leaves = [x, scores, *weights]
    dense, routed = mix(found, x, gates), mix_routed(found, x, gates, places)
    torch.testing.assert_close(routed, dense)
    expected = torch.autograd.grad(dense, leaves, slope, retain_graph=True)
    for ours, theirs in zip(torch.autograd.grad(routed, leaves, slope), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_expert_without_tokens_has_a_gradient_of_zero():
    found, weights = experts(2)
    x = drawn(2 * SAMPLES, TOKENS, WIDTH, seed=50).requires_grad_()
    gates = torch.zeros(*x.shape[:2], EXPERTS).double()
    gates[..., 1] = 1.0
    places = torch.ones(*x.shape[:2], 1, dtype=torch.long)
    slopes = torch.autograd.grad(mix_routed(found, x, gates, places).sum(), weights)
    for place, slope in enumerate(slopes):
        assert bool(slope.any()) == (place // 4 == 1)


def test_frozen_experts_pass_gradients_on():
    found, weights = experts(None)
    x = drawn(SAMPLES, TOKENS, WIDTH, seed=50).requires_grad_()
    shares = drawn(*x.shape[:2], EXPERTS, seed=51).softmax(-1)
    arguments = (top_gates(shares, 2), shares.topk(2, -1).indices)
    (moving,) = torch.autograd.grad(mix_routed(found, x, *arguments).sum(), x)
    for weight in weights:
        weight.requires_grad_(False)
    (frozen,) = torch.autograd.grad(mix_routed(found, x, *arguments).sum(), x)
    torch.testing.assert_close(frozen, moving)
