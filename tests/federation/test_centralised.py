"""Centralised training: what is pooled is what was sent, masked, and on the bill."""

import dataclasses

import numpy as np
import pytest
import torch
from small import DIGITS, federation, same

from qfl.federation.centralised import Centralised, pooled
from qfl.federation.engine import LocalTraining
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples

TRAINING = LocalTraining(epochs=2, batch_size=32)


def played(algorithm=None, **options):
    chosen = FedAvg() if algorithm == "fedavg" else Centralised()
    one = federation(chosen, training=TRAINING, **options)
    return one, list(one.play())


def test_every_client_sends_its_samples_once_and_nothing_comes_down():
    one, records = played(rounds=3, clients_per_round=3)
    passed = one.policies.channel.passed
    assert all(header.receiver == "server" for header, _ in passed)
    senders = [header.sender for header, _ in passed]
    assert len(senders) == len(set(senders))
    heard = set().union(*(record.selected for record in records))
    assert set(senders) == heard
    for header, update in passed:
        [who] = [p for p in one.participants if p.client.name == header.sender]
        [(_, tensors)] = update.modules.items()
        sizes = sum(t.nbytes for t in tensors.values())
        raw = (*who.train.inputs.values(), *who.train.targets.values())
        assert sizes == sum(t.numel() * t.element_size() for t in raw)
    for record in records[1:]:
        mine = [u for h, u in passed if h.round == record.round]
        assert record.costs.payload_bytes_down == 0
        assert len(record.delivered) == len(mine) == len(record.links)
        least = sum(update.payload_bytes for update in mine)
        assert least <= record.costs.payload_bytes_up <= least + 600 * len(mine)


def test_the_server_trains_on_what_arrived_and_not_on_what_is_lost():
    class Deaf:
        """A channel on which the envelopes of one client never arrive whole."""

        def __init__(self, inner):
            self.inner, self.level, self.passed = inner, inner.level, []

        def exchange(self, client, **options):
            event = self.inner.exchange(client, **options)
            return dataclasses.replace(event, aborted="cut" if client == "client-04" else "")

        def seal(self, update, header):
            return self.inner.seal(update, header)

        def open(self, envelope):
            return self.inner.open(envelope)

    one, records = played(rounds=1, wrap=Deaf)
    assert "client-04" not in records[1].delivered
    assert len(one.learning._samples) == 8


def test_pooled_samples_are_masked_where_a_client_lacks_something():
    both = TensorSamples({"a": torch.ones(2, 3), "b": torch.ones(2, 4)}, {"x": torch.ones(2)})
    other = TensorSamples(
        {"a": torch.ones(3, 3)},
        {"y": torch.tensor([1, 0, 1])},
        {"a": torch.tensor([1.0, 0.0, 1.0])},
    )
    pool = pooled([both, other])
    assert len(pool) == 5
    assert pool.available["b"].tolist() == [1, 1, 0, 0, 0]
    assert pool.available["a"].tolist() == [1, 1, 1, 0, 1]
    assert pool.labelled["x"].tolist() == [1, 1, 0, 0, 0]
    assert pool.labelled["y"].tolist() == [0, 0, 1, 1, 1]
    assert pool.targets["y"].dtype == torch.int64
    assert pool.inputs["b"][2:].abs().max() == 0


@pytest.mark.parametrize("model", ["pooled", "tiny"])
def test_what_is_masked_changes_nothing(model, monkeypatch):
    """Numbers in the place of what is missing; the mutation lifts the masks."""
    plan = {"rounds": 1, "model": model}
    honest, _ = played(**plan)

    def dirty(parts, lift=False):
        pool = pooled(parts)
        gone = {m: 1 - mask for m, mask in pool.available.items()}
        inputs = {
            m: x + 9 * gone[m].view(-1, *[1] * (x.dim() - 1)) if m in gone else x
            for m, x in pool.inputs.items()
        }
        return dataclasses.replace(pool, inputs=inputs, **({"available": {}} if lift else {}))

    where = "qfl.federation.centralised.pooled"
    monkeypatch.setattr(where, dirty)
    assert same(honest.state, played(**plan)[0].state)
    monkeypatch.setattr(where, lambda parts: dirty(parts, lift=True))
    assert not same(honest.state, played(**plan)[0].state)


def test_it_is_the_upper_baseline():
    """Everything in one place learns more in the same rounds than a mean over many places."""
    plan = {"rounds": 6, "model_width": 32}
    central, federated = (played(a, **plan)[1][-1] for a in (None, "fedavg"))
    assert central.metrics["digit.accuracy"] > federated.metrics["digit.accuracy"] + 0.05


def test_all_clients_predict_with_the_model_of_the_server():
    one, _ = played(rounds=1)
    who = one.participants[0]
    assert same(one.courier.personal(who, one.state), one.state)


def test_it_repeats_bit_for_bit():
    (first, a), (second, b) = (played(rounds=2, clients_per_round=4) for _ in range(2))
    assert same(first.state, second.state)
    assert a[-1].metrics == b[-1].metrics
    assert np.isfinite(list(a[-1].metrics.values())).all()
    assert len(DIGITS.clients) == 9
