"""The batches of a stack: everybody's own order, padding that weighs nothing, early leavers."""

import numpy as np
import pytest
import torch

from qfl.federation.engine import LocalTraining
from qfl.federation.population import TensorSamples
from qfl.federation.training import batches as module
from qfl.federation.training.batches import batches
from qfl.federation.training.remedies import draw_kept

SIZES = (11, 8, 3)
"""Steps of 4: three, two and one per epoch; short last batches of 3, 4 and 3."""


def samples(client, n):
    """Numbers that name their client and row."""
    rows = 100.0 * client + torch.arange(n)
    inputs = {"a": rows, "b": rows[:, None].repeat(1, 2)}
    return TensorSamples(inputs, {"y": rows.long()})


def drawn(epochs=2, dropout=0.0, seed=0):
    training = LocalTraining(epochs=epochs, batch_size=4, modality_dropout=dropout)
    everybody = [samples(client, n) for client, n in enumerate(SIZES)]
    rngs = [np.random.default_rng((seed, client)) for client in range(len(SIZES))]
    return list(batches(everybody, rngs, training=training))


def own_rows(found, client):
    """What counts of a client, step after step."""
    return [
        batch.samples.targets["y"].reshape(batch.weights.shape)[client][batch.weights[client] > 0]
        for batch in found
        if client < len(batch.weights)
    ]


@pytest.mark.parametrize("client", range(3))
def test_every_client_goes_through_its_own_order(client):
    rng, n = np.random.default_rng((0, client)), SIZES[client]
    expected = [
        100 * client + rows
        for _ in range(2)
        for rows in torch.split(torch.from_numpy(rng.permutation(n)), 4)
    ]
    found = own_rows(drawn(), client)
    assert len(found) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_weights_are_one_over_the_size_of_a_batch_and_padding_weighs_nothing():
    for batch in drawn():
        assert torch.equal((batch.weights > 0).sum(1), batch.rows_counted.long())
        torch.testing.assert_close(batch.weights.sum(1), torch.ones(len(batch.weights)))
        clients = batch.samples.targets["y"].reshape(batch.weights.shape) // 100
        assert torch.equal(clients, torch.arange(len(clients))[:, None].expand_as(clients))


def test_those_who_have_finished_are_in_no_further_batch():
    assert [len(batch.weights) for batch in drawn()] == [3, 3, 2, 2, 1, 1]
    assert [batch.weights.shape[1] for batch in drawn()] == [4, 4, 4, 4, 4, 3]


@pytest.mark.parametrize("ahead", [1, 2])
def test_how_many_steps_are_fetched_at_once_changes_nothing(ahead, monkeypatch):
    usual = drawn(epochs=3, dropout=0.5)
    monkeypatch.setattr(module, "AHEAD", ahead)
    for left, right in zip(usual, drawn(epochs=3, dropout=0.5), strict=True):
        assert torch.equal(left.weights, right.weights)
        for one, other in zip(left.samples.parts, right.samples.parts, strict=True):
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_hidden_goes_with_its_sample():
    found = drawn(epochs=1, dropout=0.5)
    rng = np.random.default_rng((0, 0))
    order, kept = rng.permutation(SIZES[0]), draw_kept(samples(0, SIZES[0]), 0.5, rng)
    assert 0 < kept.mean() < 1
    for column, name in enumerate("ab"):
        shown = torch.cat(
            [
                batch.samples.available[name].reshape(batch.weights.shape)[0][batch.weights[0] > 0]
                for batch in found
            ]
        )
        assert torch.equal(shown, torch.from_numpy(kept[order, column]))
