"""Versions of modules: what nobody trained keeps its value and its version under any channel."""

import json
from types import SimpleNamespace

import pytest
import small
import torch

from qfl.core.events import Staleness
from qfl.core.record import RoundRecord
from qfl.federation.averaging.versions import Versions
from qfl.federation.ditto import Ditto
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedlora import FedLora
from qfl.federation.fedopt import FedAdam, FedAvgM, FedYogi
from qfl.federation.fedprox import FedProx
from qfl.federation.local import Local
from qfl.federation.scaffold import Scaffold
from qfl.federation.tap import Tap
from qfl.models.policies import EXCHANGE_POLICIES
from qfl.security.channel import Sealed
from qfl.security.masked import Masked

VECTOR, IMU, SERIES = small.MODALITIES
MEMBERS = small.population(
    4,
    held={
        0: ((VECTOR,), ("task_0",)),
        1: ((VECTOR, IMU), ("task_0", "task_1")),
        2: ((IMU,), ("task_2",)),
        3: ((SERIES,), ("task_3",)),
    },
    samples=240,
)
FULL = EXCHANGE_POLICIES["full"]
RULES = {
    "fedavg": FedAvg(),
    "fedprox": FedProx(0.1),
    "scaffold": Scaffold(),
    "fedavgm": FedAvgM(),
    "fedadam": FedAdam(),
    "fedyogi": FedYogi(),
    "fedlora": FedLora(),
    "ditto": Ditto(),
    "tap": Tap(rule="training", tuning_steps=0),
}


def kept_what_nobody_trained(found, rounds=4):
    """Rule 1, played and checked: returns the records, having compared every module of every round
    with who delivered, by hand."""
    holders = {p.client.name: set(p.model.module_ids) for p in found.participants}
    last = dict.fromkeys(found.state, 0)
    records = []
    for number in range(1, rounds + 1):
        before = small.copied(found.state)
        [record] = found.train(number, number)
        trained = set().union(*(holders[name] for name in record.delivered)) - set(record.left_out)
        for module in found.state:
            if module in trained:
                last[module] = number
            else:
                assert small.same_module(found.state[module], before[module]), module
        ages = {module: number - then for module, then in last.items() if then < number}
        assert (record.staleness.modules if record.staleness else {}) == ages
        records.append(record)
    return records


@pytest.mark.parametrize("rule", RULES)
def test_what_no_selected_client_trained_keeps_its_value_and_its_version(rule):
    records = kept_what_nobody_trained(small.found(MEMBERS, choose=1, algorithm=RULES[rule]))
    assert max(max(r.staleness.modules.values()) for r in records) > 1


class AllAnew(FedAvg):
    """The mutation: every module gets new tensors in every round, those that nobody sent too."""

    def aggregate(self, state, updates):
        return small.copied(super().aggregate(state, updates))


class ByRound(Versions):
    """The mutation: a version counts rounds of the server and not refreshes of a module."""

    def look(self, round_index, state, exchange):
        self.modules = dict.fromkeys(state, round_index)
        return {}


def test_the_mutations_of_that_rule_are_caught():
    """New tensors of the same value, and a version of the whole model in place of its modules'."""
    with pytest.raises(AssertionError):
        kept_what_nobody_trained(small.found(MEMBERS, choose=1, algorithm=AllAnew()))
    counted = small.found(MEMBERS, choose=1)
    counted.observations.versions = ByRound(seen=dict(counted.state))
    with pytest.raises(AssertionError):
        kept_what_nobody_trained(counted)


def test_a_version_is_of_the_tensors_and_not_of_their_values():
    """Who was trained and came out the same was refreshed; who was not is as old as before."""
    one, two = ({"weight": torch.zeros(2)} for _ in range(2))
    state = {"head:*:a": one, "head:*:b": two}
    versions = Versions(seen=dict(state))
    assert versions.look(1, state, FULL) == {"head:*:a": 1, "head:*:b": 1}
    state = {"head:*:a": {"weight": torch.zeros(2)}, "head:*:b": dict(two)}
    assert versions.look(2, state, FULL) == {"head:*:b": 2}
    assert versions.look(4, state, FULL) == {"head:*:a": 2, "head:*:b": 4}
    assert versions.look(4, state, EXCHANGE_POLICIES["fedper"]) == {}


def test_modules_that_too_few_hold_keep_their_version():
    """Rule 4: two holders are asked for, and most modules of these clients have one."""
    found = small.found(MEMBERS, min_holders=2)
    records = kept_what_nobody_trained(found)
    few = set(records[0].left_out)
    assert {"head:*:task_1", "head:*:task_2", "head:*:task_3"} <= few
    assert "head:*:task_0" not in few
    assert {module: 4 for module in few} == records[3].staleness.modules


def test_masked_sums_that_are_given_up_keep_their_versions():
    """A sum of one holder would be that holder's change; masks refuse it."""
    found = small.found(MEMBERS, channel=Masked(smallest=2, largest_change=64.0))
    *_, last = found.train(1, 3)
    stale = last.staleness.modules
    given_up = {m for event in last.sums if event.given_up for m in event.modules}
    assert {"head:*:task_1", "head:*:task_2", "head:*:task_3"} <= given_up
    assert stale == dict.fromkeys(given_up, 3)


def test_a_sealed_link_without_a_key_refreshes_nothing():
    """Too far for a key: nobody delivers, and every module is as old as the run."""
    far = Sealed(shortest_km=300, longest_km=300, sifted_bits=300)
    records = kept_what_nobody_trained(small.found(MEMBERS, channel=far), rounds=2)
    assert not any(record.delivered for record in records)
    assert set(records[1].staleness.modules.values()) == {2}


def test_everybody_in_every_round_leaves_nothing_stale():
    [start, *records] = small.found(MEMBERS).play()
    assert start.staleness is None
    assert all(record.staleness is None for record in records)


def by_hand(records):
    """Rounds -> clients that were called and last worked so long ago."""
    last, found = {}, []
    for number, record in enumerate(records, 1):
        last |= dict.fromkeys(record.selected, number)
        ages = [number - then for then in last.values()]
        found.append({str(age): ages.count(age) for age in sorted(set(ages))})
    return found


@pytest.mark.parametrize(
    "options",
    [{"algorithm": Ditto()}, {"exchange": "fedper"}, {"algorithm": Local()}],
    ids=["personal model", "modules at home", "alone"],
)
def test_what_clients_keep_is_as_old_as_their_own_last_training(options):
    """The mutation, all clients fresh, would leave one entry, "0"."""
    records = list(small.found(MEMBERS, choose=2, rounds=5, **options).train(1, 4))
    assert [record.staleness.homes for record in records] == by_hand(records)
    assert len(records[3].staleness.homes) > 1


def test_who_takes_the_model_home_after_the_last_round_is_fresh():
    found = small.found(MEMBERS, choose=1, rounds=5, algorithm=Tap(rule="training"))
    *_, before, last = found.play()
    assert max(map(int, before.staleness.homes)) > 0
    assert last.staleness.homes == {"0": 4}


def test_versions_go_on_in_the_next_federation():
    """Nobody's age begins anew, at the server and at clients, where a federation continues one."""
    options = {"choose": 1, "rounds": 6, "algorithm": FedAvg(), "exchange": "fedper"}
    first = small.found(MEMBERS, **options)
    *_, before = first.train(1, 2)
    second = small.found(MEMBERS, standing=first.standing(), **options)
    [after] = second.train(3, 3)
    whole = list(small.found(MEMBERS, **options).train(1, 3))
    assert after.staleness == whole[2].staleness
    assert max(after.staleness.modules.values()) == 3
    assert sum(after.staleness.homes.values()) == len({*after.selected, *by_name(whole[:2])})
    assert before.staleness == whole[1].staleness


def by_name(records):
    return [name for record in records for name in record.selected]


def test_versions_survive_the_way_to_disk_and_repeat():
    records, again = (list(small.found(MEMBERS, choose=1).play()) for _ in range(2))
    assert [r.staleness for r in records] == [r.staleness for r in again]
    for record in records:
        there = RoundRecord.from_dict(json.loads(json.dumps(record.to_dict())))
        assert there.staleness == record.staleness
    row = records[1].to_dict()
    del row["staleness"]  # of a run before versions
    assert RoundRecord.from_dict(row).staleness is None


def test_homes_are_looked_at_one_by_one():
    versions, mine, yours = Versions(), {"w": torch.zeros(1)}, {"w": torch.ones(1)}
    homes = SimpleNamespace(exchange=FULL, kept={0: {"norm:*": mine}, 1: {}}, own={})
    assert versions.look_at_home(1, homes) == {"0": 1}
    homes.own[1] = {"head:*:a": yours}
    assert versions.look_at_home(3, homes) == {"0": 1, "2": 1}
    assert versions.staleness(4, {}, homes) == Staleness({}, {"1": 1, "3": 1})
    homes.own[0] = {"norm:*": mine}
    assert versions.look_at_home(5, homes) == {"0": 1, "2": 1}
