"""Shards: exact to the bit, at a fraction of the price, and nothing of the forgotten is left."""

import numpy as np
import pytest
from small import MODALITIES, founder, numbers, population, same

from qfl.core.errors import ConfigError
from qfl.core.record import SAMPLED
from qfl.federation.deciding.holdings import declared
from qfl.federation.deciding.selection import SelectionWeights
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning.requests import Request, erase
from qfl.federation.unlearning.retrain import Retrain
from qfl.federation.unlearning.sharded import Sharded
from qfl.federation.unlearning.systems import spent
from tests.federation.unlearning.reach import reachable

WHOLE = population(9, samples=540)
SLICED = Sharded(shards=3, slices=3, slice_rounds=1)
PLAIN = Sharded(shards=3)
FOUND = founder(choose=6)
REQUESTS = {
    "first slice": Request(clients=("client-02",)),
    "last slice": Request(clients=("client-07",)),
    "middle slice": Request(clients=("client-04",)),
    "two shards": Request(clients=("client-04", "client-08")),
    "a modality": Request(modality=MODALITIES[1]),
}


def trained(options, members=WHOLE, rounds=4):
    shards = options.begin(FOUND, members)
    return shards, list(shards.train(1, rounds))


def states(shards):
    return {place: f.state for place, f in shards.federations.items() if f is not None}


def equal(left, right):
    a, b = states(left), states(right)
    return a.keys() == b.keys() and all(same(a[place], b[place]) for place in a)


def forgotten(options, request, rounds=4):
    shards, _ = trained(options, rounds=rounds)
    erasure = erase(WHOLE, request)
    return erasure, options.forget(shards, erasure, found=FOUND, played=rounds)


@pytest.mark.parametrize("options", [PLAIN, SLICED], ids=["plain", "sliced"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_forgetting_equals_retraining_bit_for_bit(options, request_):
    """Selection counts losses and staleness, so every state of the server enters this."""
    erasure, after = forgotten(options, request_)
    scratch, _ = trained(options, erasure.rest)
    assert equal(after.system, scratch)
    went_on = [numbers(record) for record in after.system.train(5, 5)]
    assert went_on == [numbers(record) for record in scratch.train(5, 5)]


@pytest.mark.parametrize("since", [None, 1], ids=["not at all", "too little"])
def test_mutation_a_shard_that_goes_back_too_little_fails(monkeypatch, since):
    monkeypatch.setattr(Sharded, "concerned_since", lambda *_: since)
    erasure, after = forgotten(SLICED, REQUESTS["first slice"])
    assert not equal(after.system, trained(SLICED, erasure.rest)[0])


def test_other_shards_are_not_touched_and_the_price_is_that_of_one():
    shards, _ = trained(PLAIN)
    before = {place: f for place, f in shards.federations.items() if place != 2}
    erasure = erase(WHOLE, REQUESTS["first slice"])
    after = PLAIN.forget(shards, erasure, found=FOUND, played=4)
    assert {p: f for p, f in after.system.federations.items() if p != 2} == before
    whole = spent(trained(PLAIN, erasure.rest)[1]).training_operations
    assert 0 < after.costs.training_operations / whole <= 1 / 3 + 0.05


def test_who_joined_late_is_cheaper_to_forget():
    costs = [
        forgotten(SLICED, REQUESTS[name])[1].costs.training_operations
        for name in ("first slice", "last slice")
    ]
    first = 0 + 1 + 2 + 2  # visits: it was alone at first
    last = 2 + 2
    assert costs[1] / costs[0] == pytest.approx(last / first, rel=0.02)  # sizes differ by one


def test_a_client_that_has_not_joined_costs_nothing_and_never_joins():
    erasure, after = forgotten(SLICED, REQUESTS["last slice"], rounds=1)
    assert after.costs.training_operations == 0
    records = list(after.system.train(2, 4))
    assert all("client-07" not in record.selected for record in records)
    scratch, _ = trained(SLICED, erasure.rest)
    assert equal(after.system, scratch)


def test_checkpoints_after_the_first_contribution_are_gone():
    shards, _ = trained(SLICED)
    assert [len(c) for c in shards.checkpoints.values()] == [3, 3, 3]
    stored = shards.stored_bytes
    assert stored == 6 * shards.federations[0].model.weight_bytes
    old = shards.checkpoints[1]
    after = SLICED.forget(shards, erase(WHOLE, REQUESTS["middle slice"]), found=FOUND, played=4)
    assert after.stored_bytes == stored
    kept = after.system.checkpoints[1]
    assert kept[:2] == old[:2]
    assert kept[2] is not old[2]
    assert not same(kept[2].state, old[2].state)


@pytest.mark.parametrize("way", [Retrain(), PLAIN, SLICED], ids=["retrain", "plain", "sliced"])
def test_ids_and_keys_of_the_forgotten_are_gone(way):
    """Every object that the system can reach is looked at: names (of keys too) and sample ids."""
    request = REQUESTS["first slice"]
    system = way.begin(FOUND, WHOLE)
    list(system.train(1, 3))
    ids = set(WHOLE.clients[2].train.ids.tolist()) | set(WHOLE.clients[2].test.ids.tolist())
    names, seen = reachable(system)
    assert "client-02" in names
    assert ids <= seen
    after = way.forget(system, erase(WHOLE, request), found=FOUND, played=3).system
    names, seen = reachable(after)
    assert "client-01" in names
    assert "client-02" not in names
    assert not ids & seen


def test_the_first_record_names_what_everybody_holds_who_will_ever_join():
    shards = SLICED.begin(FOUND, WHOLE)
    first = shards.record(0)
    assert first.holdings == declared(WHOLE.clients)
    assert len(first.client_metrics) == 3
    sizes = [f.record(0).parameters["all"] for f in shards.federations.values()]
    assert first.parameters["all"] == sum(sizes)


def test_shards_answer_together_and_a_record_is_of_all_of_them():
    shards, records = trained(PLAIN)
    assert [len(record.selected) for record in records] == [6] * 4
    parts = [f.record(4) for f in shards.federations.values()]
    assert len(records[-1].client_metrics) == 9
    assert records[-1].costs.payload_bytes_up > 0
    mean = np.mean([part.metrics["task_1.accuracy"] for part in parts])
    assert records[-1].metrics["task_1.accuracy"] >= mean - 0.05
    outputs = shards.outputs(TensorSamples.of(WHOLE.test))
    each = [f.outputs(TensorSamples.of(WHOLE.test)) for f in shards.federations.values()]
    assert outputs["task_0"] == pytest.approx(sum(o["task_0"] for o in each) / 3, abs=1e-6)
    votes = sum(o["task_1"].softmax(1) for o in each) / 3
    assert outputs["task_1"].exp() == pytest.approx(votes, abs=1e-6)


def test_panels_and_pools_of_all_shards_are_stated_together():
    """Three shards of three, each with a panel of two and pools of two; by hand 6 of 9 each. The
    mutation, what the first shard states, says 2 of 3."""
    found = founder(choose=3, evaluated_clients=2, weights=SelectionWeights(candidates=2))
    for options in (PLAIN, SLICED):
        shards = options.begin(found, WHOLE)
        facts = shards.record(0).facts
        stated = {name: facts[name] for name in SAMPLED}
        assert stated == {"clients": 9, "evaluated_clients": 6, "candidates": 6}
        *_, last = shards.train(1, 4)
        assert len(last.client_metrics) == 6
        assert len(set(last.candidates)) == len(last.candidates) == 6
        assert set(last.selected) <= set(last.candidates)
    assert not set(SAMPLED) & PLAIN.begin(FOUND, WHOLE).record(0).facts.keys()


def test_a_shard_without_a_pool_adds_all_its_clients():
    """Ten clients: the first shard has four, and a pool of three is everybody in the others."""
    members, weights = population(10, samples=600), SelectionWeights(candidates=3)
    shards = PLAIN.begin(founder(choose=3, weights=weights), members)
    assert shards.record(0).facts["candidates"] == 9
    [record] = shards.train(1, 1)
    first = {f"client-{number:02d}" for number in (0, 3, 6, 9)}
    assert len(record.candidates) == 9
    assert {client.name for client in members.clients} - set(record.candidates) < first


def test_an_emptied_shard_is_silent():
    request = Request(clients=("client-00", "client-03", "client-06"))
    _, after = forgotten(PLAIN, request, rounds=2)
    assert after.system.federations[0] is None
    assert after.system.model_for(0) is None
    assert len(next(iter(after.system.train(3, 3))).selected) == 4


def test_options_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="shards 1"):
        Sharded(shards=1)
    with pytest.raises(ConfigError, match="slices 0"):
        Sharded(slices=0)
