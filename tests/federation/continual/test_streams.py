"""Streams: every sample in one stage, seasons that grow, and what cannot be divided."""

from itertools import chain

import numpy as np
import pytest
from small import population

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.rng import Streams
from qfl.federation.continual.streams import Stream

WHOLE = population(3, samples=360)


def ids(stages, place):
    return [s.population.clients[place].train.ids.tolist() for s in stages]


def test_classes_come_in_groups_and_every_sample_comes_once():
    stages = Stream(kind="classes", task="task_1", stages=2).divided(WHOLE, Streams(1))
    for stage, made in enumerate(stages):
        for samples in (made.population.test, *(c.train for c in made.population.clients)):
            assert set(samples.targets["task_1"].tolist()) == {stage}
        assert [task.name for task in made.tasks] == ["task_1"]
        assert made.population.numbers == WHOLE.numbers
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()


def test_seasons_divide_the_samples_and_shift_more_and_more():
    stages = Stream(kind="noise", stages=3, strength=2.0).divided(WHOLE, Streams(1))
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()
    clean = WHOLE.test.inputs["vector_0"]
    spread = [float((s.population.test.inputs["vector_0"] - clean).std()) for s in stages]
    assert spread[0] == 0.0
    assert spread[1:] == pytest.approx([1.0, 2.0], rel=0.1)
    again = Stream(kind="noise", stages=3, strength=2.0).divided(WHOLE, Streams(1))
    assert np.array_equal(
        again[2].population.test.inputs["vector_0"], stages[2].population.test.inputs["vector_0"]
    )


def test_a_season_has_one_gain_for_everybody():
    stages = Stream(kind="gain", stages=2).divided(WHOLE, Streams(1))
    gains = set()
    everybody = {c.name: c.train for c in WHOLE.clients}
    for client in stages[1].population.clients:
        rows = np.isin(everybody[client.name].ids, client.train.ids)
        old = everybody[client.name].inputs["vector_0"][rows]
        gains.add(round(float((client.train.inputs["vector_0"] / old).mean()), 4))
    assert len(gains) == 1


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="no modality is a square picture"):
        Stream(kind="rotation").divided(WHOLE, Streams(1))
    with pytest.raises(UnknownNameError, match="unknown task with classes 'task_0'"):
        Stream(kind="classes", task="task_0", stages=2).divided(WHOLE, Streams(1))
    with pytest.raises(ConfigError, match="2 classes of 'task_1' cannot come in 3 groups"):
        Stream(kind="classes", task="task_1").divided(WHOLE, Streams(1))
    with pytest.raises(ConfigError, match="classes need a task"):
        Stream(kind="classes")
    with pytest.raises(ConfigError, match="stages 1"):
        Stream(stages=1)
