"""Local training: nothing travels, and a client's model depends on its own samples alone."""

import numpy as np
from small import DIGITS, copied, federation, same

from qfl.core.rng import Streams
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.local import Local

TRAINING = LocalTraining(epochs=1)


def test_no_byte_no_key_and_no_session():
    played = federation(Local())
    before = copied(played.state)
    records = list(played.play())
    assert played.policies.channel.passed == []
    assert same(before, played.state)
    for record in records[1:]:
        costs = record.costs
        assert costs.payload_bytes_up == costs.payload_bytes_down == 0
        assert costs.key_bits_produced == costs.key_bits_used == 0
        assert record.links == ()
        assert record.delivered == ()
        assert len(record.selected) == 9
        assert costs.energy_joules > 0
        assert costs.virtual_seconds > 0


def test_a_client_trains_its_own_model_further_each_time():
    played = federation(Local(), training=TRAINING, rounds=2, model="tiny")
    list(played.play())
    for who in played.participants:
        state = who.model.initial_state(Streams(11))
        for number in (1, 2):
            state = train(
                who.model,
                state,
                who.train,
                assignment=Assignment(tasks=who.client.tasks, training=TRAINING),
                rng=Streams(11)("batches/personal", number, who.number, 0),
            ).state
        mine = played.courier.personal(who, played.state)
        for module, tensors in state.items():
            for name, tensor in tensors.items():
                assert np.allclose(tensor, mine[module][name], atol=2e-5)


def test_the_samples_of_others_change_nothing():
    """The mutation of the first test: were anything shared, this would differ."""
    own = [client for client in DIGITS.clients if len(client.tasks) == 2]
    whole = federation(Local(), training=TRAINING)
    list(whole.play())
    who = next(p for p in whole.participants if p.client.name == own[0].name)
    shared = federation(training=TRAINING)
    list(shared.play())
    mine, common = (f.courier.personal(who, f.state) for f in (whole, shared))
    assert not same({m: mine[m] for m in who.model.module_ids}, common)
    head = next(m for m in who.model.module_ids if m.startswith("head"))
    assert not same({head: mine[head]}, {head: common[head]})


def test_a_client_that_was_never_chosen_has_the_model_that_everybody_began_with():
    played = federation(Local(), rounds=1, clients_per_round=1)
    records = list(played.play())
    [chosen] = records[1].selected
    for who in played.participants:
        began = copied(played.state)
        assert same(played.courier.personal(who, played.state), began) == (
            who.client.name != chosen
        )
    others = {name for name in records[0].client_metrics if name != chosen}
    for name in others:
        assert records[1].client_metrics[name] == records[0].client_metrics[name]
