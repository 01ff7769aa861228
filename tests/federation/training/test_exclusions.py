"""NaN and infinity: whoever sends them is left out of the round by name, and the others go on."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from small import DIGITS, copied, federation, same
from test_completion import QUICK, updates_of
from test_completion import played as completed

from qfl.core.errors import ModuleMismatchError
from qfl.core.gather import Answer
from qfl.core.record import RoundRecord
from qfl.core.update import Update
from qfl.federation.completion import Completion
from qfl.federation.engine import LocalTraining, Trained
from qfl.federation.fedavg import FedAvg
from qfl.federation.scaffold import Scaffold
from qfl.federation.tap import Tap
from qfl.federation.training.exclusions import broken_modules, check_applicable, finite, unsound
from qfl.security.masked import Masked

LOST = "client-03"
WILD = LocalTraining(clip_norm=math.inf, learning_rate=1e-3)


def overflowing(population=DIGITS, name=LOST, factor=1e30):
    """One client's training samples are so large that its gradients are no numbers."""

    def blown(client):
        inputs = {m: x * np.float32(factor) for m, x in client.train.inputs.items()}
        return dataclasses.replace(client, train=dataclasses.replace(client.train, inputs=inputs))

    clients = tuple(blown(c) if c.name == name else c for c in population.clients)
    return dataclasses.replace(population, clients=clients)


def all_finite(state):
    return all(torch.isfinite(t).all() for tensors in state.values() for t in tensors.values())


def test_one_client_that_diverges_is_excluded_by_name_and_the_round_goes_on():
    """The new model is the mean of what all others sent, bit for bit."""
    played = federation(population=overflowing(), training=WILD, rounds=1)
    before = copied(played.state)
    record = list(played.play())[1]
    assert set(record.excluded) == {LOST}
    assert "training ended with NaN or infinity in encoder:" in record.excluded[LOST]
    assert LOST in record.selected
    assert record.delivered == tuple(c for c in record.selected if c != LOST)
    sent = [u for header, u in played.policies.channel.passed if header.receiver == "server"]
    assert len(sent) == len(record.selected) - 1
    assert same(played.state, FedAvg().aggregate(before, sent))
    assert all_finite(played.state)
    assert RoundRecord.from_dict(record.to_dict()) == record


@pytest.mark.parametrize("algorithm", [Scaffold(), Tap(rule="training")])
def test_what_it_keeps_to_itself_stays_sound_too(algorithm):
    played = federation(
        algorithm, population=overflowing(), training=WILD, rounds=2, exchange="fedper"
    )
    records = list(played.play())
    assert all(LOST in record.excluded for record in records[1:])
    index = next(p.index for p in played.participants if p.client.name == LOST)
    personal = played.courier.personal(played.participants[index], played.state)
    assert all_finite(personal)
    assert all_finite(played.state)
    assert all(math.isfinite(v) for v in records[-1].client_metrics[LOST].values())


def test_under_masks_it_is_left_out_before_anything_is_added():
    members = overflowing()
    played = federation(
        population=members, training=WILD, rounds=1, channel=Masked(smallest=2, largest_change=10.0)
    )
    record = list(played.play())[1]
    assert set(record.excluded) == {LOST}
    assert LOST not in record.delivered
    assert all_finite(played.state)


def test_a_lie_that_is_no_number_is_excluded_at_the_door():
    def update(value):
        return Update({"head:*:a": {"bias": np.full(2, value, np.float32)}}, {"head:*:a": 3})

    given = [Answer(f"client-{i}", update(0.0), update(v)) for i, v in enumerate((1.0, np.inf))]
    kept, reasons = finite(given)
    assert [answer.client for answer in kept] == ["client-0"]
    assert reasons == {
        "client-1": "its update held NaN or infinity in head:*:a; it was not aggregated"
    }


def test_an_aggregate_that_is_no_number_is_never_applied():
    class Exploding(FedAvg):
        def aggregate(self, state, updates):
            moved = super().aggregate(state, updates)
            return {m: {n: t * math.inf for n, t in ts.items()} for m, ts in moved.items()}

    played = federation(Exploding())
    before = copied(played.state)
    with pytest.raises(ModuleMismatchError, match="round 1 aggregated NaN or infinity in encoder"):
        list(played.play())
    assert same(played.state, before)


def test_sums_too_large_to_add_are_no_reason_for_exclusion():
    large = {"head:*:a": {"weight": torch.full((10,), 3e38)}}
    assert broken_modules(large) == []
    assert check_applicable(large, round_index=1) is large
    assert unsound(Trained(large, {"a": 1.0}, 0.0, 1)) == ""
    assert "in its losses" in unsound(Trained(large, {"a": math.nan}, 0.0, 1))


def test_a_client_whose_model_resembles_nobodys_is_named(monkeypatch):
    """Completion weighs by centrality; the third client is as like the others as noise."""

    def outsider(features, *, estimator):
        found = np.ones((len(features), len(features)))
        found[2, :] = found[:, 2] = 0.0
        return found

    monkeypatch.setattr("qfl.federation.completion.similarities", outsider)
    one, records = completed(Completion(**QUICK), rounds=1)
    assert set(records[1].excluded) == {records[1].delivered[2]}
    assert "its update weighed nothing" in records[1].excluded[records[1].delivered[2]]
    assert records[1].metrics["least_centrality"] == 0.0
    assert "least_centrality" not in records[0].metrics
    one.learning.aggregate(one.state, updates_of(one, count=1))
    assert (one.learning.tell(), one.learning.ignored()) == ({"least_centrality": 1.0}, {})
    one.learning.aggregate(one.state, [])
    assert (one.learning.tell(), one.learning.ignored()) == ({}, {})
