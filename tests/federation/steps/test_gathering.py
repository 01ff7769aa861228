"""Coming home: what may not count is left behind by name, and a bill has what was sent."""

from dataclasses import replace

import numpy as np
from small import federation

from qfl.core.update import Update
from qfl.federation.steps.gathering import bring_home, settled


def visited(one):
    return one.courier.visit(one.participants, one.state, round_index=1, tapped={})


def home(one, visits, *, min_holders=1):
    return bring_home(
        [visit.answer for visit in visits],
        policies=one.policies,
        privacy=None,
        coder=one.coder,
        min_holders=min_holders,
        round_index=1,
        rng=np.random.default_rng(0),
    )


def test_every_answer_arrives_as_it_was_sent_and_is_on_the_bill():
    one = federation()
    visits = visited(one)
    found = home(one, visits)
    assert len(found.gathered.updates) == 9
    assert (found.withheld, found.excluded) == ({}, {})
    after_all = settled(one.participants, visits, found)
    for who, before, after in zip(one.participants, visits, after_all, strict=True):
        arrival = found.gathered.arrivals[after.client]
        assert after.arrived
        assert after.opened.payload == before.answer.update.payload
        assert after.counted == frozenset(before.answer.update.modules)
        more = after.costs.payload_bytes_up - before.costs.payload_bytes_up
        assert more == arrival.wire_bytes > 0
        assert after.upload.upload_seconds == who.client.access.uplink_seconds(arrival.wire_bytes)
        assert after.upload.ready_seconds == before.costs.virtual_seconds


def test_a_module_of_too_few_holders_stays_behind_with_everybody():
    one = federation()
    visits = visited(one)
    holders = {
        module: sum(module in v.answer.update.modules for v in visits) for module in one.state
    }
    least = min(holders.values()) + 1
    few = {module for module, count in holders.items() if count < least}
    found = home(one, visits, min_holders=least)
    assert found.withheld.keys() == few != set(holders)
    assert all(not few & update.modules.keys() for update in found.gathered.updates)


def test_an_answer_with_nan_is_excluded_and_the_others_come_home():
    one = federation()
    first, *others = visited(one)
    modules = {
        module: {name: np.full_like(tensor, np.nan) for name, tensor in tensors.items()}
        for module, tensors in first.answer.update.modules.items()
    }
    broken = Update(modules, first.answer.update.samples)
    visits = [replace(first, answer=replace(first.answer, update=broken)), *others]
    found = home(one, visits)
    assert found.excluded.keys() == {first.client}
    lost, *arrived = settled(one.participants, visits, found)
    assert (lost.answer, lost.arrived, lost.costs) == (None, False, first.costs)
    assert "NaN" in lost.excluded
    assert all(visit.arrived for visit in arrived)
