"""A federation is handed on: to itself without a seam, to others without what they do not hold."""

import pytest
from small import MODALITIES, TASKS, copied, found, numbers, planted, population, same

from qfl.core.errors import ConfigError
from qfl.federation.clusters.by_loss import ByLoss
from qfl.federation.clusters.declared import Declared
from qfl.federation.ditto import Ditto
from qfl.federation.population import regrouped

WHOLE = population(5, held={2: (MODALITIES[:2], TASKS)})


def test_a_federation_that_is_handed_on_goes_on_as_if_nothing_had_happened():
    """Selection too: it looks at losses, staleness and changes of earlier rounds."""
    options = {"rounds": 4, "choose": 2, "exchange": "fedper"}
    first = found(WHOLE, **options)
    seamless = [numbers(record) for record in first.train(1, 4)]
    before = found(WHOLE, **options)
    played = [numbers(record) for record in before.train(1, 2)]
    moment = before.standing()
    list(before.train(3, 3))
    after = found(WHOLE, **options, standing=moment)
    played += [numbers(record) for record in after.train(3, 4)]
    assert played == seamless
    assert same(after.state, first.state)


def test_what_nobody_holds_any_more_is_not_handed_on():
    before = found(WHOLE, rounds=2)
    list(before.train(1, 2))
    members = regrouped(WHOLE, {2: WHOLE.clients[2]})
    after = found(members, standing=before.standing())
    gone = set(before.model.module_ids) - set(after.model.module_ids)
    assert gone == {"encoder:series_2:*"}
    assert same(after.state, {module: before.state[module] for module in after.state})
    assert after.observations.losses == {0: before.observations.losses[2]}
    assert after.observations.key_bits == {0: before.observations.key_bits[2]}
    assert set(after.observations.directions[0]) == set(after.model.module_ids)


def test_newcomers_hold_what_all_began_with_and_nothing_that_was_learnt_since():
    """Exact; the mutation is the model that the earlier members trained, which nobody would have
    paid for. What they download in their first round is on the bill."""
    few = regrouped(WHOLE, dict(enumerate(WHOLE.clients[:3])))
    before = found(few, algorithm=Ditto(), rounds=3)
    began = copied(before.state)
    list(before.train(1, 2))
    after = found(WHOLE, algorithm=Ditto(), rounds=3, standing=before.standing())
    assert same(after.courier.base, began)
    assert not same(after.courier.base, before.state)
    assert same(after.state, before.state)
    visits = after.courier.visit(after.participants, after.state, round_index=3, tapped={})
    down = [visit.costs.payload_bytes_down for visit in visits]
    assert down[4] == down[0] > 4 * sum(t.numel() for m in began.values() for t in m.values())
    later = after.standing()
    assert same(found(WHOLE, rounds=3, standing=later).courier.base, began)


def test_copies_of_declared_clusters_are_handed_on_and_learned_ones_refused():
    options = {"modules": {"head:*": {"placement": "cluster"}}, "rounds": 3}
    first, before = (found(planted(), division=Declared("group"), **options) for _ in range(2))
    seamless = [numbers(record) for record in first.train(1, 3)]
    played = [numbers(record) for record in before.train(1, 2)]
    after = found(planted(), division=Declared("group"), standing=before.standing(), **options)
    assert played + [numbers(record) for record in after.train(3, 3)] == seamless
    with pytest.raises(ConfigError, match="take clusters that are declared"):
        found(planted(), division=ByLoss(), standing=before.standing(), **options)


def test_those_who_stay_keep_their_streams_and_their_modules():
    """A client that moves up one place draws the same batches and has the same head."""
    before = found(WHOLE, exchange="fedper")
    list(before.train(1, 1))
    rest = {i: client for i, client in enumerate(WHOLE.clients) if i != 1}
    after = found(regrouped(WHOLE, rest), exchange="fedper", standing=before.standing())
    assert [p.number for p in after.participants] == [0, 2, 3, 4]
    assert same(after.courier.kept[1], before.courier.kept[2])
    alone = found(regrouped(WHOLE, {4: WHOLE.clients[4]}))
    among = found(regrouped(WHOLE, {3: WHOLE.clients[3], 4: WHOLE.clients[4]}))
    first, second = (
        f.courier.visit(f.participants[-1:], f.state, round_index=1, tapped={})[0]
        for f in (alone, among)
    )
    assert first.losses == second.losses
