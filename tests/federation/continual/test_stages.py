"""One stage: who is in it, and that every sample of a client has one turn."""

from itertools import chain

import pytest
from small import population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.continual.stages import Itinerary, having, staged, turn

WHOLE = population(3, samples=360)


def test_turns_take_every_sample_once():
    train = WHOLE.clients[0].train
    parts = [turn(train, at, 3, number=0, streams=Streams(1)) for at in range(3)]
    assert sorted(chain(*(part.ids.tolist() for part in parts))) == train.ids.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_who_has_no_part_sits_out_and_keeps_its_number():
    def part(client, number):
        return None if number == 1 else client

    made = staged(WHOLE, 1, WHOLE.tasks[:1], part=part, test=WHOLE.test)
    assert made.population.numbers == (0, 2)
    assert made.population.modalities == WHOLE.modalities
    assert made.population.tasks == WHOLE.tasks
    everybody = staged(WHOLE, 2, (), part=lambda c, n: c, test=WHOLE.test)
    itinerary = Itinerary(WHOLE, (made, everybody), Streams(1))
    assert [len(itinerary.parts(number)) for number in range(3)] == [2, 1, 2]
    assert [len(itinerary.parts(number, before=1)) for number in range(3)] == [1, 0, 1]


def test_a_stage_that_nobody_is_in_is_refused():
    with pytest.raises(ConfigError, match="stage 2 has 0 clients with samples and 60 test samples"):
        staged(WHOLE, 2, (), part=lambda client, number: None, test=WHOLE.test)
    nothing = WHOLE.test.take(WHOLE.test.ids[:0])
    with pytest.raises(ConfigError, match="3 clients with samples and 0 test samples"):
        staged(WHOLE, 2, (), part=lambda client, number: client, test=nothing)
    assert having(WHOLE.clients[0], nothing, WHOLE.test) is None
    assert having(WHOLE.clients[0], WHOLE.test, nothing) is None
