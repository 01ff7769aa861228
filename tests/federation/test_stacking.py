"""Stacked LoRA pairs: exact, unbiased by absence, and paid for on the way down."""

import numpy as np
import pytest
import torch
from test_fedlora import LORA, played, products, updates

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.fedlora import FedLora
from qfl.solvers.random_feasible import Random

BASE = "trunk:*:*:*:0"
STACK = FedLora(lora_rule="stack")


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


def test_clients_that_stayed_away_download_what_they_missed():
    """Adding what came down to the base they had gives the server's base."""
    one, records, learning = at_work(rounds=3, choose=2, solver=Random())
    bases = {p.client.name: one.model.initial_state(one.streams)[BASE] for p in one.participants}
    stacked = 0
    for header, update in one.policies.channel.passed:
        if header.sender != "server":
            continue
        for name in ("query", "value"):
            gained = update.modules.get("stacked|" + LORA, {})
            base = bases[header.receiver][f"{name}.weight"].double().numpy()
            if f"{name}_up.weight" in gained:
                base = base + products(gained, name)
                stacked += 1
            bases[header.receiver] = {
                **bases[header.receiver],
                f"{name}.weight": torch.from_numpy(base + gained.get(f"{name}.weight", 0)),
            }
    assert stacked
    assert records[-1].metrics["lora_error"] == 0
    before_last = one.state[BASE]["query.weight"].double() - torch.from_numpy(
        learning._stacks[-1][LORA, "query"].product
    )
    for client in records[-1].selected:
        assert torch.allclose(bases[client]["query.weight"].double(), before_last, atol=1e-5)


def test_long_absence_costs_no_more_than_the_matrix():
    one, _, learning = at_work(rounds=1)
    for _ in range(5):
        one.state = learning.aggregate(one.state, updates((4, 4, 4)))
    absent = one.participants[0]
    learning._known[absent.index] = 0
    packed = learning.pack(absent, {LORA: one.state[LORA]})
    assert {t.shape for t in packed["stacked|" + LORA].values()} == {(32, 32)}


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
