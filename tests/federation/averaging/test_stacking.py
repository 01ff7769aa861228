"""Stacked LoRA pairs: exact, unbiased by absence, and paid for on the way down."""

import numpy as np
import pytest
import torch
from small import same_module
from test_fedlora import LORA, played, products, updates
from test_round import Watched, federation

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.averaging.stacking import Stacking
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedlora import FedLora
from qfl.federation.world import World
from qfl.models.policies import LOCAL, ExchangePolicy
from qfl.solvers.random_feasible import Random

BASE = "trunk:*:*:*:0"
STACKED = "stacked|" + LORA
STACK = FedLora(lora_rule="stack")
PLAN = {"model": "tiny", "exchange": "lora"}


def at_work(**options):
    one, records = played(STACK, **options)
    return one, records, one.learning


def test_the_base_gains_the_mean_product_and_the_pairs_begin_anew():
    one, _, learning = at_work(rounds=1)
    state, given = one.state, updates((1, 4, 2))
    before = state[BASE]["query.weight"].double().numpy()
    after = learning.aggregate(state, given)
    counts = [update.samples[LORA] for update in given]
    wanted = sum(n * products(u.modules[LORA]) for n, u in zip(counts, given, strict=True))
    gained = after[BASE]["query.weight"].double().numpy() - before
    np.testing.assert_allclose(gained, wanted / sum(counts), atol=1e-6)
    assert not after[LORA]["query_up.weight"].any()
    assert not torch.equal(after[LORA]["query_down.weight"], state[LORA]["query_down.weight"])
    assert torch.equal(after[BASE]["key.weight"], state[BASE]["key.weight"])
    assert learning.tell() == {"lora_error": 0.0}


class Bases:
    """Compares the base that every client trains on with the server's, when it trains."""

    def __init__(self, one):
        self.stacks, unpack = 0, one.learning.unpack

        def compared(participant, held, received):
            model = unpack(participant, held, received)
            assert same_module(model[BASE], one.state[BASE])
            self.stacks += any("/" in name for name in received.get(STACKED, {}))
            return model

        one.learning.unpack = compared


def test_clients_that_stayed_away_come_to_the_servers_base_bit_for_bit():
    """From what they had and what came down alone."""
    one = federation(**PLAN, choose=2, rounds=6, solver=Random(), algorithm=STACK)
    start, seen = one.state[BASE]["query.weight"].clone(), Bases(one)
    records = list(one.play())
    assert seen.stacks
    assert records[-1].metrics["lora_error"] == 0
    assert not torch.equal(one.state[BASE]["query.weight"], start)


class Tampering(Watched):
    """A link on which what comes down beside the modules is not what was sent."""

    def open(self, envelope):
        update = super().open(envelope)
        modules = {
            module: {name: 2 * t for name, t in tensors.items()}
            if module.startswith("stacked|")
            else tensors
            for module, tensors in update.modules.items()
        }
        return Update(modules, update.samples)


def test_a_tampered_download_is_what_the_client_trains_on():
    """The mutation of taking the base from the server's memory: nothing would change."""

    def answers(wrap):
        one = federation(**PLAN, rounds=2, choose=9, algorithm=STACK, wrap=wrap)
        list(one.play())
        seen = [u for h, u in one.policies.channel.passed if h.receiver == "server"]
        return [u.modules[LORA]["query_up.weight"] for u in seen if LORA in u.modules]

    honest, changed = answers(Watched), answers(Tampering)
    first = len(honest) // 2
    for place, (left, right) in enumerate(zip(honest, changed, strict=True)):
        assert np.array_equal(left, right) == (place < first)


def test_a_base_that_travels_is_downloaded_once():
    def down(algorithm):
        one = federation(model="tiny", exchange="full", rounds=3, choose=9, algorithm=algorithm)
        records = list(one.play())
        sent = [u for h, u in one.policies.channel.passed if h.sender == "server"]
        assert not any(module.startswith("stacked|") for u in sent for module in u.modules)
        return [record.costs.payload_bytes_down for record in records]

    assert down(STACK) == down(FedAvg())


def test_long_absence_costs_no_more_than_the_matrix():
    one, _, learning = at_work(rounds=1)
    for _ in range(5):
        one.state = learning.aggregate(one.state, updates((4, 4, 4)))
    absent = one.participants[0]
    learning._known[absent.index] = 0
    packed = learning.pack(absent, {LORA: one.state[LORA]})
    assert {t.shape for t in packed[STACKED].values()} == {(32, 32)}
    held = {BASE: one.model.initial_state(one.streams)[BASE]}
    assert same_module(learning.unpack(absent, held, packed)[BASE], one.state[BASE])


def made_up(one, exchange):
    """The world of a federation with another exchange."""
    return World(
        model=one.model,
        participants=one.participants,
        training=one.policies.training,
        exchange=exchange,
        rounds=1,
        streams=one.streams,
        initial=one.state,
    )


def test_pairs_cannot_join_a_base_that_clients_keep_to_themselves():
    one = federation(**PLAN, algorithm=STACK)
    local = ExchangePolicy(by_id={BASE: LOCAL})
    world = made_up(one, exchange=local)
    with pytest.raises(ConfigError, match="stacked pairs join trunk"):
        Stacking(world)


def test_pairs_that_travel_in_part_cannot_be_stacked():
    with pytest.raises(ConfigError, match="does not travel as a whole; take an exchange"):
        played(STACK, exchange="ffa_lora")


def test_a_federation_that_stacks_learns():
    _, records, _ = at_work(rounds=3)
    assert records[-1].metrics["digit.accuracy"] != records[0].metrics["digit.accuracy"]
    assert records[2].costs.payload_bytes_down > records[1].costs.payload_bytes_down


def test_nobody_who_holds_pairs_leaves_the_base_alone():
    one, _, learning = at_work(rounds=1)
    head = "head:*:digit"
    tensors = {name: t.numpy() for name, t in one.state[head].items()}
    after = learning.aggregate(one.state, [Update({head: tensors}, {head: 3})])
    assert torch.equal(after[BASE]["query.weight"], one.state[BASE]["query.weight"])
    assert learning.tell() == {}
