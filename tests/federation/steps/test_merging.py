"""Single modules with a policy of their own: how they are aggregated, coded, kept and refused."""

import numpy as np
import pytest
import torch
from small import DIGITS, copied, federation, same_module

from qfl.core.errors import UnknownNameError
from qfl.federation.averaging.defence import Centre, Defence
from qfl.federation.fedavg import FedAvg
from qfl.federation.plan import Schedule
from qfl.federation.steps.merging import merged
from qfl.models.policies import ExchangePolicy

HEAD = "head:*:digit"
WHOLE = ("encoder:image:*", "encoder:profile:*")


def played(**modules):
    one = federation(rounds=1, modules=modules)
    before = copied(one.state)
    records = list(one.play())
    sent = [u for header, u in one.policies.channel.passed if header.receiver == "server"]
    return one, before, records, sent


def test_no_exception_is_fedavg_bit_for_bit():
    one, before, _, sent = played()
    for module, tensors in FedAvg().aggregate(before, sent).items():
        assert same_module(tensors, one.state[module])


def test_one_module_has_an_aggregator_of_its_own_and_the_others_the_algorithms():
    one, before, _, sent = played(**{"head:*:digit": {"aggregator": "median"}})
    mean = FedAvg().aggregate(before, sent)
    rows = [u.modules[HEAD]["bias"] for u in sent if HEAD in u.modules]
    assert np.allclose(one.state[HEAD]["bias"].numpy(), np.median(rows, axis=0), atol=1e-6)
    assert not same_module(one.state[HEAD], mean[HEAD])
    for module in mean.keys() - {HEAD}:
        assert same_module(one.state[module], mean[module])


def test_a_defence_stands_before_the_aggregators_of_modules():
    one, before, _, sent = played()
    own = ExchangePolicy().changed({HEAD: {"aggregator": "median"}}, one.model.module_ids)
    rule = Defence(Centre("geometric_median"))
    found, _ = merged(before, sent, learning=FedAvg(), defence=rule, exchange=own, round_index=1)
    wanted, _ = rule.aggregate(before, sent)
    assert all(same_module(found[m], wanted[m]) for m in wanted)


def test_one_module_is_coded_and_the_bill_says_so():
    _, _, plain, _ = played()
    one, before, coded, sent = played(**{"encoder:*": {"codec": "int8"}})
    assert coded[1].costs.payload_bytes_up < plain[1].costs.payload_bytes_up
    assert coded[1].costs.payload_bytes_down == plain[1].costs.payload_bytes_down
    kinds = {
        module: {tensor.dtype for tensor in tensors.values()}
        for update in sent
        for module, tensors in update.modules.items()
    }
    for module, types in kinds.items():
        assert (np.dtype(np.int8) in types) == module.startswith("encoder:")
    assert all(torch.isfinite(t).all() for ts in one.state.values() for t in ts.values())
    assert not same_module(one.state[WHOLE[0]], before[WHOLE[0]])


@pytest.mark.parametrize("placement", ["local", "frozen"])
def test_a_placed_module_never_travels(placement):
    one, before, _, sent = played(**{HEAD: {"placement": placement}})
    assert sent
    assert all(HEAD not in update.modules for _, update in one.policies.channel.passed)
    assert same_module(one.state[HEAD], before[HEAD])
    kept = [HEAD in modules for modules in one.courier.kept.values()]
    assert any(kept) == (placement == "local")


def test_the_later_of_two_patterns_is_stronger():
    changes = {"*": {"codec": "fp16"}, "head:*": {"codec": "int8"}}
    policy = Schedule(rounds=1, clients_per_round=1, modules=changes).policy([HEAD, WHOLE[0]])
    assert (policy[HEAD].codec, policy[WHOLE[0]].codec) == ("int8", "fp16")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"haed:*": {"codec": "int8"}}, r"unknown module kind 'haed' \(did you mean 'head'\?\)"),
        ({"head:*": {"codex": "int8"}}, r"unknown option of a module 'codex'"),
        ({"head:*": {"codec": "int9"}}, r"unknown codec 'int9'"),
        ({"head:*": {"aggregator": "krum"}}, r"unknown aggregator 'krum'"),
        ({"head:*": {"placement": "shared"}}, r"unknown placement 'shared'"),
    ],
)
def test_what_no_module_can_have_is_refused(changes, message):
    with pytest.raises(UnknownNameError, match=message):
        Schedule(rounds=1, clients_per_round=1, modules=changes)


def test_a_pattern_that_matches_no_module_is_refused_before_anybody_trains():
    with pytest.raises(UnknownNameError, match=r"unknown module 'lora:\*'.*head:\*:digit"):
        federation(population=DIGITS, modules={"lora:*": {"codec": "int8"}})
