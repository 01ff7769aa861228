"""Losses of embeddings against their equations, sample by sample."""

import math

import pytest
import torch
from torch.func import vmap

from qfl.federation.modalities.transfer import transfer_loss

OPTIONS = {"contrastive": 0.7, "temperature": 0.3, "margin": 0.4, "gap": 0.5}


def drawn(n=6, d=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), torch.randn(n, d, generator=generator)


def by_hand(joint, frozen, rows, *, contrastive, temperature, margin, gap):
    """The two losses as the paper writes them, over `rows` alone."""

    def cos(i, j):
        return float(joint[i] @ frozen[j] / (joint[i].norm() * frozen[j].norm()))

    total = 0.0
    for i in rows:
        others = [j for j in rows if j != i]
        everything = sum(math.exp(cos(i, j) / temperature) for j in rows)
        nce = -math.log(math.exp(cos(i, i) / temperature) / everything)
        short = [max(0.0, gap - cos(i, i) + cos(i, j)) for j in others]
        total += contrastive * nce + margin * (sum(short) / len(short) if short else 0.0)
    return total / len(rows)


def test_the_losses_are_those_of_the_equations():
    joint, frozen = drawn()
    expected = by_hand(joint, frozen, range(6), **OPTIONS)
    assert float(transfer_loss(joint, frozen, None, **OPTIONS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("part", ["contrastive", "margin"])
def test_each_loss_can_be_switched_off(part):
    joint, frozen = drawn()
    options = {**OPTIONS, part: 0.0}
    expected = by_hand(joint, frozen, range(6), **options)
    found = float(transfer_loss(joint, frozen, None, **options))
    assert found == pytest.approx(expected, rel=1e-5)
    assert found < float(transfer_loss(joint, frozen, None, **OPTIONS))


def test_rows_that_pad_are_neither_samples_nor_others():
    joint, frozen = drawn()
    weights = torch.tensor([0.25, 0.25, 0.25, 0.25, 0, 0])
    expected = by_hand(joint, frozen, range(4), **OPTIONS)
    found = float(transfer_loss(joint, frozen, weights, **OPTIONS))
    assert found == pytest.approx(expected, rel=1e-5)
    assert float(transfer_loss(joint, frozen, None, **OPTIONS)) != pytest.approx(found, rel=1e-3)


def test_embeddings_that_agree_lose_least():
    joint, frozen = drawn(d=40)
    agreeing = float(transfer_loss(frozen, frozen, None, **OPTIONS))
    assert agreeing < float(transfer_loss(joint, frozen, None, **OPTIONS))


def test_one_sample_has_no_others():
    joint, frozen = drawn(n=1)
    assert float(transfer_loss(joint, frozen, None, **OPTIONS)) == pytest.approx(0, abs=1e-6)


def test_a_stack_of_clients_is_each_by_itself():
    pairs = [drawn(seed=s) for s in range(3)]
    joint, frozen = (torch.stack(part) for part in zip(*pairs, strict=True))
    weights = torch.full((3, 6), 1 / 6)
    weights[1] = torch.tensor([0.5, 0.5, 0, 0, 0, 0])
    together = vmap(lambda z, f, w: transfer_loss(z, f, w, **OPTIONS))(joint, frozen, weights)
    for i in range(3):
        alone = transfer_loss(joint[i], frozen[i], weights[i], **OPTIONS)
        assert float(together[i]) == pytest.approx(float(alone), rel=1e-5)
