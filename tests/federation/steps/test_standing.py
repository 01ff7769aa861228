"""A federation is handed on: to itself without a seam, to others without what they do not hold."""

from small import MODALITIES, TASKS, found, numbers, population, same

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
