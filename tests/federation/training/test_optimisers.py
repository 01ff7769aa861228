"""The rules against torch.optim, bit for bit, and what happens when clients leave."""

import math

import pytest
import torch

from qfl.federation.training.optimisers import RULES, AdamW, follow

THEIRS = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}
SHAPES = [(3, 4, 5), (3, 2), (3, 1)]


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def start():
    return [drawn(*shape, seed=place) for place, shape in enumerate(SHAPES)]


def slopes(step):
    return [drawn(*shape, seed=100 * step + place) for place, shape in enumerate(SHAPES)]


@pytest.mark.parametrize("name", THEIRS)
def test_the_rules_are_those_of_torch_bit_for_bit(name):
    ours, theirs = start(), [tensor.requires_grad_() for tensor in start()]
    rule, other = RULES[name](ours, 0.05), THEIRS[name](theirs, lr=0.05, foreach=True)
    for step in range(1, 20):
        rule.step(slopes(step))
        for tensor, slope in zip(theirs, slopes(step), strict=True):
            tensor.grad = slope
        other.step()
    assert all(torch.equal(left, right) for left, right in zip(ours, theirs, strict=True))


def test_memory_stays_with_the_clients_that_stay():
    whole, part = start(), start()
    everyone, some = AdamW(whole, 0.05), AdamW(part, 0.05)
    for step in range(1, 5):
        everyone.step(slopes(step))
        some.step(slopes(step))
    some.keep([tensor[:2] for tensor in part])
    for step in range(5, 9):
        everyone.step(slopes(step))
        some.step([slope[:2] for slope in slopes(step)])
    for left, right in zip(whole, part, strict=True):
        assert torch.equal(left[:2], right[:2])
        assert not torch.equal(left[2], right[2])


@pytest.mark.parametrize("stacked", [False, True])
def test_a_step_is_no_longer_than_its_bound(stacked):
    weights = [tensor.requires_grad_() for tensor in start()]
    before = [tensor.detach().clone() for tensor in weights]
    aims = slopes(1)
    loss = sum((w * a).sum() for w, a in zip(weights, aims, strict=True))
    follow(RULES["sgd"](weights, 1.0), loss, clip_norm=0.1, stacked=stacked)
    moved = [(w.detach() - b).flatten(1) for w, b in zip(weights, before, strict=True)]
    lengths = torch.cat(moved, dim=1).norm(dim=1) if stacked else torch.cat(moved, dim=1).norm()
    torch.testing.assert_close(lengths, torch.full_like(lengths, 0.1))


def test_gradients_in_another_memory_order_move_the_same_numbers():
    weight, x = drawn(2, 3, 4, seed=1).requires_grad_(), drawn(2, 5, 4, seed=2)
    kept = weight.detach().clone()
    follow(RULES["sgd"]([weight], 0.5), torch.bmm(x, weight.mT).sum(), clip_norm=math.inf)
    torch.testing.assert_close(weight.detach(), kept - 0.5 * x.sum(1, keepdim=True))
    assert not weight.is_contiguous()
