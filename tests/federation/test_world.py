"""Registered clients cost nothing until they are called."""

import gc
import weakref

import pytest
import small
import torch
from small import DIGITS

from qfl.core.errors import CapacityError, ProblemError
from qfl.federation.deciding.selection import SelectionWeights
from qfl.federation.evaluate import measures, predictor
from qfl.federation.plan import Schedule
from qfl.federation.population import regrouped
from qfl.federation.world import Participants
from qfl.models.pooled import Pooled
from qfl.solvers.exact import Exact

MEMBERS = small.population(12)
RECIPES = Schedule(rounds=1, clients_per_round=1).recipe_of
TWO_AND_FOUR = {"evaluated_clients": 2, "weights": SelectionWeights(candidates=4)}


def test_participants_are_a_sequence_of_those_they_are_made_from():
    found = Participants(MEMBERS, RECIPES, kept=12)
    assert [p.client for p in found] == list(MEMBERS.clients)
    assert [p.index for p in found[1::4]] == [1, 5, 9]
    assert found[-1].number == 11
    assert found.sizes.tolist() == [len(c.train) for c in MEMBERS.clients]
    assert found.model_of(3) is found[3].model
    with pytest.raises(IndexError):
        found[12]


def test_a_client_has_the_modules_of_its_modalities_and_tasks_and_no_others():
    for client, who in zip(DIGITS.clients, Participants(DIGITS, RECIPES, kept=9), strict=True):
        held = [module.split(":") for module in who.model.module_ids]
        assert {key[2] for key in held if key[0] == "head"} == {t.name for t in client.tasks}
        assert {key[1] for key in held if key[0] == "encoder"} == {
            modality.name for modality in client.modalities
        }


def test_who_stays_keeps_its_number_and_the_model_that_goes_by_it():
    """Widths are asked for by number; places are counted anew."""
    left = regrouped(DIGITS, dict(enumerate(DIGITS.clients[4:], 4)))
    stayed, whole = (Participants(p, lambda n: Pooled(4 + n), kept=9) for p in (left, DIGITS))
    assert [(p.index, p.number) for p in stayed] == [(place, place + 4) for place in range(5)]
    assert [p.model.shapes for p in stayed] == [p.model.shapes for p in whole[4:]]
    assert stayed[0].model.shapes != whole[0].model.shapes


def test_tensors_of_few_are_kept_and_those_made_again_are_the_same_bits():
    found = Participants(MEMBERS, RECIPES, kept=3)
    first = found[0]
    bits = {name: x.clone() for name, x in first.train.inputs.items()}
    assert found[0] is first
    forgotten, _ = weakref.ref(first.train), [found[i] for i in range(1, 4)]
    del first
    gc.collect()
    assert forgotten() is None
    assert all(torch.equal(bits[name], x) for name, x in found[0].train.inputs.items())


def test_a_federation_that_keeps_few_ends_as_one_that_keeps_all(monkeypatch):
    few = small.found(MEMBERS, choose=4)
    few.participants = Participants(few.population, few.schedule.recipe_of, kept=2)
    all_ = small.found(MEMBERS, choose=4)
    assert [small.numbers(r) for r in few.play()] == [small.numbers(r) for r in all_.play()]
    assert small.same(few.state, all_.state)


@pytest.fixture(scope="module")
def records():
    return list(small.found(MEMBERS, choose=2, rounds=4, **TWO_AND_FOUR).play())


def test_a_panel_is_evaluated_in_every_round_and_the_records_say_so(records):
    panels = {tuple(record.client_metrics) for record in records}
    assert [len(panel) for panel in panels] == [2]
    stated = {"clients": 12.0, "evaluated_clients": 2.0, "candidates": 4.0}
    assert stated.items() <= records[0].facts.items()
    assert not records[1].facts


def test_a_round_chooses_from_the_pool_that_its_record_names(records):
    assert records[0].candidates == ()
    for record in records[1:]:
        assert len(record.candidates) == 4
        assert set(record.selected) < set(record.candidates)
    assert len({record.candidates for record in records[1:]}) > 1
    assert type(records[1]).from_dict(records[1].to_dict()) == records[1]


def test_panel_and_pools_are_the_same_for_all_methods_of_a_seed(records):
    other = small.found(MEMBERS, choose=2, rounds=4, solver=Exact(), epochs=2, **TWO_AND_FOUR)
    for mine, theirs in zip(records, other.play(), strict=True):
        assert mine.client_metrics.keys() == theirs.client_metrics.keys()
        assert mine.candidates == theirs.candidates


def test_what_the_panel_is_measured_as_is_what_everybody_would_be():
    """The panel's numbers are those of the same clients where all are evaluated."""
    part = small.found(MEMBERS, choose=3, evaluated_clients=5)
    whole = small.found(MEMBERS, choose=3)
    for mine, theirs in zip(part.play(), whole.play(), strict=True):
        assert len(mine.client_metrics) == 5
        assert len(theirs.client_metrics) == 12
        assert mine.client_metrics.items() <= theirs.client_metrics.items()
        assert not theirs.candidates
        assert "clients" not in theirs.facts
    who = part.participants[part.panel[0]]
    expected = measures(predictor(who.model, part.state)(who.test), who.test, who.client.tasks)
    assert mine.client_metrics[who.client.name] == expected


def test_nothing_is_asked_of_clients_that_nobody_calls():
    """Of twelve clients the panel and the called ones alone are made ready, once each."""
    one = small.found(MEMBERS, choose=2, rounds=1, **TWO_AND_FOUR)
    records = list(one.play())
    looked_at = {*records[0].client_metrics, *records[1].selected}
    assert one.participants.made == len(looked_at) <= 4


def test_pools_smaller_than_a_round_and_solvers_out_of_their_depth_say_what_to_do():
    with pytest.raises(ProblemError, match=r"set selection\.candidates to 5 or more"):
        small.found(MEMBERS, choose=5, **TWO_AND_FOUR)
    one = small.found(MEMBERS, choose=4, solver=Exact(max_states=100))
    with pytest.raises(CapacityError, match=r"among 12 candidates.*selection\.candidates"):
        list(one.play())
    pooled = small.found(
        MEMBERS, choose=4, solver=Exact(max_states=100), weights=SelectionWeights(candidates=8)
    )
    assert len(list(pooled.play())) == 4
