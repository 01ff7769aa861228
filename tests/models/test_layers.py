"""Layers against torch's own: the same numbers, whatever they are written with."""

import pytest
import torch
from torch.nn import functional

from qfl.models.layers import (
    HIDDEN,
    Attention,
    Bottleneck,
    Conv1d,
    Conv2d,
    LayerNorm,
    LowRank,
    one_after_another,
    side_by_side,
)


def filled(layer, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in layer.parameters():
            tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
    return layer


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def alike(left, right):
    torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("kernel", [3, 5])
def test_a_convolution_over_steps_is_torchs(kernel, stride):
    layer, x = filled(Conv1d(3, 4, kernel, stride)), drawn(2, 17, 3)
    weight = layer.weight.reshape(4, kernel, 3).transpose(1, 2)
    expected = functional.conv1d(
        x.transpose(1, 2), weight, layer.bias, stride=stride, padding=kernel // 2
    )
    alike(layer(x), expected.transpose(1, 2))


def test_pictures_of_several_clients_do_not_mix():
    one, other = filled(Conv2d(2, 3), 0), filled(Conv2d(2, 3), 5)
    both = Conv2d(2, 3)
    both.weight = torch.nn.Parameter(torch.stack([one.weight, other.weight]))
    both.bias = torch.nn.Parameter(torch.stack([one.bias, other.bias]))
    pictures = drawn(8, 6, 5, 2)
    found = one_after_another(both(side_by_side(pictures, 2)), 2)
    for layer, part, mine in ((one, found[:4], pictures[:4]), (other, found[4:], pictures[4:])):
        alike(part, layer(mine.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


def test_standing_side_by_side_is_undone():
    x = drawn(6, 4, 5, 3)
    assert torch.equal(one_after_another(side_by_side(x, 3), 3), x)


def test_a_norm_is_torchs():
    layer, x = filled(LayerNorm(7)), drawn(2, 3, 7)
    alike(layer(x), functional.layer_norm(x, (7,), layer.weight, layer.bias))


def test_attention_is_torchs_with_the_factors_added_to_its_matrices():
    layer, lora, x = filled(Attention(8, 2)), filled(LowRank(8, 2), 3), drawn(2, 5, 8)
    hidden = torch.zeros(2, 5, 5)
    hidden[:, :, 3] = HIDDEN
    weights = (
        layer.query.weight + lora.query_up.weight @ lora.query_down.weight,
        layer.key.weight,
        layer.value.weight + lora.value_up.weight @ lora.value_down.weight,
    )
    biases = (layer.query.bias, layer.key.bias, layer.value.bias)
    query, key, value = (
        functional.linear(x, weight, bias).reshape(2, 5, 2, 4).transpose(1, 2)
        for weight, bias in zip(weights, biases, strict=True)
    )
    mixed = functional.scaled_dot_product_attention(query, key, value, hidden[:, None])
    expected = layer.out(mixed.transpose(1, 2).reshape(2, 5, 8))
    alike(layer(x, lora, hidden), expected)
    alike(layer(x, lora, hidden, first=3), expected[:, 3:])


def test_who_is_hidden_is_not_seen_at_all():
    layer, lora, x = filled(Attention(8, 2)), filled(LowRank(8, 2), 3), drawn(1, 5, 8)
    hidden = torch.zeros(1, 5, 5)
    hidden[:, :, 3] = HIDDEN
    changed = x.clone()
    changed[:, 3] += 100.0
    kept = [0, 1, 2, 4]
    one, other = layer(x, lora, hidden), layer(changed, lora, hidden)
    assert torch.equal(one[:, kept], other[:, kept])


def test_an_adapter_whose_way_up_is_zero_adds_nothing():
    layer = filled(Bottleneck(6, 2))
    assert layer(drawn(3, 6)).any()
    with torch.no_grad():
        layer.up.weight.zero_()
        layer.up.bias.zero_()
    assert not layer(drawn(3, 6)).any()
