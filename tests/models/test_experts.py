"""Mixtures: each expert alone, weighed and added; balance is one where tokens are spread evenly."""

import pytest
import torch
from torch.nn.functional import gelu

from qfl.models.experts import Expert, balance_loss, mix, top_gates

WIDTH, EXPERTS = 6, 4


def experts():
    generator = torch.Generator().manual_seed(0)
    made = [Expert(WIDTH) for _ in range(EXPERTS)]
    with torch.no_grad():
        for expert in made:
            for tensor in expert.parameters():
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return made


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_mixture_is_the_weighed_sum_of_its_experts():
    made, x = experts(), drawn(2, 5, WIDTH)
    gates = top_gates(drawn(2, 5, EXPERTS, seed=2).softmax(-1), 2)
    alone = [expert.out(gelu(expert.hidden(x))) for expert in made]
    expected = sum(gates[..., [e]] * out for e, out in enumerate(alone))
    torch.testing.assert_close(mix(made, x, gates), expected, rtol=1e-4, atol=1e-4)


def test_an_expert_without_a_share_adds_not_even_its_bias():
    made, x = experts(), drawn(2, 5, WIDTH)
    assert not mix(made, x, torch.zeros(2, 5, EXPERTS)).any()


def test_the_largest_are_kept_in_their_proportions():
    probabilities = drawn(3, 5, EXPERTS).softmax(-1)
    kept = top_gates(probabilities, 2)
    assert ((kept > 0).sum(-1) == 2).all()
    torch.testing.assert_close(kept.sum(-1), torch.ones(3, 5))
    least_kept = probabilities.where(kept > 0, torch.inf).amin(-1)
    most_left = probabilities.where(kept == 0, -torch.inf).amax(-1)
    assert (least_kept >= most_left).all()


def test_balance_is_one_if_even_and_the_number_of_experts_if_one_takes_all():
    present = torch.ones(1, EXPERTS, dtype=torch.bool)
    even = torch.eye(EXPERTS)[None]
    assert balance_loss(even, even, present).item() == pytest.approx(1.0)
    alone = torch.zeros(1, EXPERTS, EXPERTS)
    alone[..., 0] = 1.0
    assert balance_loss(alone, alone, present).item() == pytest.approx(EXPERTS)


def test_padding_is_in_no_balance():
    gates = torch.eye(EXPERTS)[None]
    padded = torch.cat([gates, gates[:, :1].expand(-1, 7, -1)], dim=1)
    present = torch.tensor([[True] * EXPERTS + [False] * 7])
    assert balance_loss(padded, padded, present).item() == pytest.approx(1.0)
