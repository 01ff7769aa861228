"""What travels, what stays and what moves at all, under every preset of policies."""

from functools import cache

import pytest
import torch
from test_round import federation

from qfl.core.errors import UnknownNameError
from qfl.federation.plan import Schedule
from qfl.models.policies import exchange_policy

FREEZING = ("lora", "adapter", "prompt", "peft", "head")


@cache
def played(exchange, model="tiny", rounds=1):
    """A federation of nine clients after some rounds, what it began with, and its records."""
    one = federation(rounds=rounds, choose=9, model=model, exchange=exchange)
    before = {m: {n: t.clone() for n, t in ts.items()} for m, ts in one.state.items()}
    return one, before, list(one.play())


def same(left, right):
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("exchange", FREEZING)
def test_frozen_modules_never_travel_and_never_change(exchange):
    one, before, records = played(exchange)
    policy = exchange_policy(exchange)
    frozen = [m for m in one.state if policy[m].placement == "frozen"]
    assert frozen
    assert all(same(before[m], one.state[m]) for m in frozen)
    for _, update in one.policies.channel.passed:
        assert not set(update.modules) & set(frozen)
    whole = played("full")[2][1].costs.payload_bytes_up
    assert records[1].costs.payload_bytes_up < whole / 2


@pytest.mark.parametrize("exchange", FREEZING)
def test_what_travels_is_trained(exchange):
    one, before, _ = played(exchange)
    moved = {m for m in one.state if not same(before[m], one.state[m])}
    heads = {m for m in one.state if m.startswith("head:")}
    assert heads <= moved
    kinds = {"peft": {"lora", "adapter", "prompt"}, "head": set()}.get(exchange, {exchange})
    assert {m.split(":")[0] for m in moved - heads} == kinds


@pytest.mark.parametrize(("exchange", "kind"), [("fedper", "head"), ("fedbn", "norm")])
def test_modules_that_stay_at_home_are_personal_and_keep_learning(exchange, kind):
    one, before, _ = played(exchange)
    local = [m for m in one.state if m.split(":")[0] == kind]
    assert local
    for _, update in one.policies.channel.passed:
        assert not set(update.modules) & set(local)
    assert all(same(before[m], one.state[m]) for m in local), "the server never sees them"
    first, second = (one.participants[i] for i in (0, 1))
    for who in (first, second):
        mine = one.courier.personal(who, one.state)
        assert all(not same(before[m], mine[m]) for m in one.courier.kept[who.index])
    shared = set(one.courier.kept[0]) & set(one.courier.kept[1])
    assert all(not same(one.courier.kept[0][m], one.courier.kept[1][m]) for m in shared)


def test_personal_heads_are_what_clients_are_measured_with():
    """With heads at home the server's stay as they began, all zero: one class for every sample."""
    _, _, records = played("fedper", model="pooled", rounds=3)
    personal = [
        m["digit.accuracy"] for m in records[-1].client_metrics.values() if "digit.accuracy" in m
    ]
    started = [
        m["digit.accuracy"] for m in records[0].client_metrics.values() if "digit.accuracy" in m
    ]
    assert sum(personal) > sum(started) + 0.5
    assert records[-1].metrics["digit.accuracy"] == records[0].metrics["digit.accuracy"]


def test_unknown_presets_and_models_are_refused():
    with pytest.raises(UnknownNameError, match="lora"):
        Schedule(rounds=1, clients_per_round=1, exchange="lorra")
    with pytest.raises(UnknownNameError, match="small"):
        Schedule(rounds=1, clients_per_round=1, model="smal")
