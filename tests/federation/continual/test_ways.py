"""Who trains on what in a stage: one's own, a bounded memory, everything."""

import numpy as np
import pytest
from small import population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.continual.stages import Itinerary
from qfl.federation.continual.streams import Stream
from qfl.federation.continual.ways import Fresh, Joint, Memento, Naive, Rehearsal

WHOLE = population(3, samples=480)


def itinerary(**options):
    stages = Stream(**options).divided(WHOLE, Streams(7))
    return Itinerary(WHOLE, stages, Streams(7))


NOISE = itinerary(kind="noise", stages=3)
TASKS = itinerary(kind="tasks", tasks=("task_1", "task_0", "task_2"))


@pytest.mark.parametrize("way", [Naive(), Fresh()])
def test_those_without_memory_have_the_stage_alone(way):
    assert way.population(NOISE, 1) is NOISE.stages[1].population
    assert way.remember(None, None, 0).algorithm is None
    assert way.afresh == isinstance(way, Fresh)


def test_memory_is_bounded_and_drawn_from_all_earlier_stages():
    third = Rehearsal(20).population(NOISE, 2)
    for place, client in enumerate(third.clients):
        own = NOISE.stages[2].population.clients[place].train.ids
        extra = client.train.ids[len(own) :]
        assert len(extra) == 20
        for earlier in NOISE.stages[:2]:
            assert np.isin(extra, earlier.population.clients[place].train.ids).sum() == 10
    first = Rehearsal(20).population(NOISE, 0).clients[0]
    assert first.train.ids.tolist() == NOISE.stages[0].population.clients[0].train.ids.tolist()


def test_what_is_kept_of_a_stage_gets_fewer_and_no_others():
    second, third = (Rehearsal(20).population(NOISE, at).clients[0].train.ids for at in (1, 2))
    first = NOISE.stages[0].population.clients[0].train.ids
    assert set(third[np.isin(third, first)]) < set(second[np.isin(second, first)])


def test_a_memory_of_other_tasks_is_trained_with_their_labels_alone():
    second = Rehearsal(6).population(TASKS, 1)
    for client in second.clients:
        assert [task.name for task in client.tasks] == ["task_0", "task_1"]
        n = len(client.train)
        assert client.train.labelled["task_0"].tolist() == [True] * (n - 6) + [False] * 6
        assert client.train.labelled["task_1"].tolist() == [False] * (n - 6) + [True] * 6
        assert set(client.test.targets) == {"task_0", "task_1"}


def test_joint_training_has_every_sample_once_whatever_stage_it_is():
    for asked, at in ((NOISE, 0), (TASKS, 2)):
        everybody = Joint().population(asked, at)
        assert everybody.numbers == WHOLE.numbers
        for client, alone in zip(everybody.clients, WHOLE.clients, strict=True):
            assert sorted(client.train.ids.tolist()) == alone.train.ids.tolist()
            assert sorted(client.test.ids.tolist()) == alone.test.ids.tolist()
    labelled = np.array([list(c.train.labelled.values()) for c in everybody.clients])
    assert (labelled.sum(1) == 1).all()  # each sample knows its own task and no other


def test_a_memory_too_small_for_every_earlier_stage_is_refused():
    four = itinerary(kind="noise", stages=4)
    with pytest.raises(ConfigError, match="a memory of 2 holds no sample of each of 3 earlier"):
        Rehearsal(2).population(four, 0)
    last, own = Rehearsal(3).population(four, 3), four.stages[3].population
    for client, alone in zip(last.clients, own.clients, strict=True):
        assert len(client.train) == len(alone.train) + 3
    with pytest.raises(ConfigError, match="memory must be at least 1 sample, got 0"):
        Rehearsal(0)
    assert Memento().size_bytes == 0
