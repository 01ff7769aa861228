"""Visits: what came down is what is trained, costs are the client's own, secrets stay at home."""

import pytest
import torch
from small import federation, same, same_module

from qfl.federation.exchange import from_arrays
from qfl.models.m3t import fitted, submodel


def called(one, places, **options):
    people = [one.participants[place] for place in places]
    return one.courier.visit(people, one.state, round_index=1, tapped={}, **options)


def test_a_client_receives_the_servers_modules_and_answers_with_the_same_ones():
    one = federation()
    for who, visit in zip(one.participants, called(one, range(9)), strict=True):
        received = from_arrays(visit.answer.received.modules)
        assert same(received, fitted(submodel(one.state, who.model.module_ids), who.model))
        assert visit.answer.update.schema == visit.answer.received.schema
        assert set(visit.answer.update.samples.values()) == {len(who.train)}


def test_what_a_client_does_depends_on_nobody_who_is_called_beside_it():
    """Its bill to the last bit, its answer but for the order of float32 sums in a stack."""
    together = called(federation(), range(9))
    for place in (0, 4):
        [alone] = called(federation(), [place])
        assert alone.costs == together[place].costs
        assert alone.event == together[place].event
        for module, tensors in alone.answer.update.modules.items():
            for name, tensor in tensors.items():
                beside = together[place].answer.update.modules[module][name]
                assert abs(tensor - beside).max() < 2e-6


def test_the_order_of_the_call_is_the_order_of_the_visits():
    names = [visit.client for visit in called(federation(), (5, 2, 8))]
    assert names == [federation().participants[place].client.name for place in (5, 2, 8)]


def test_handing_out_costs_the_download_and_no_training():
    one = federation()
    visits = one.courier.hand_out(one.participants, one.state, round_index=1)
    for visit in visits:
        assert visit.answer is None
        assert visit.costs.training_operations == 0
        assert visit.costs.payload_bytes_down > 0
    assert one.courier.kept == {}


@pytest.mark.parametrize(("exchange", "kind"), [("fedper", "head"), ("fedbn", "norm")])
def test_modules_that_stay_at_home_are_kept_and_in_no_answer(exchange, kind):
    one = federation(exchange=exchange, model="tiny")
    [visit] = called(one, [0])
    who, kept = one.participants[0], one.courier.kept[0]
    assert {module.split(":")[0] for module in kept} == {kind}
    assert not kept.keys() & visit.answer.update.modules.keys()
    mine = one.courier.personal(who, one.state)
    assert all(same_module(mine[module], kept[module]) for module in kept)
    before = called(federation(exchange=exchange, model="tiny"), [0])[0].answer.update
    again = called(one, [0])[0].answer.update
    moved = [
        not torch.equal(torch.from_numpy(a.copy()), torch.from_numpy(again.modules[m][n].copy()))
        for m, tensors in before.modules.items()
        for n, a in tensors.items()
    ]
    assert any(moved), "a second visit goes on from what was kept"
