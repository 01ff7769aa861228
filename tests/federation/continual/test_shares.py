"""Stages by what is asked: tasks, groups of classes, shares of classes; every sample comes once."""

from itertools import chain

import numpy as np
import pytest
from small import MODALITIES, TASKS, population

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.continual import shares
from qfl.federation.continual.streams import Stream

WHOLE = population(3, samples=360)
BY_NAME = {task.name: task for task in WHOLE.tasks}


def ids(stages, place):
    return [s.population.clients[place].train.ids.tolist() for s in stages]


def test_classes_come_in_groups_and_every_sample_comes_once():
    stages = shares.by_class(WHOLE, BY_NAME["task_1"], 2)
    for at, made in enumerate(stages):
        for samples in (made.population.test, *(c.train for c in made.population.clients)):
            assert set(samples.targets["task_1"].tolist()) == {at}
        assert [task.name for task in made.tasks] == ["task_1"]
        assert made.population.numbers == WHOLE.numbers
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()


def test_tasks_come_one_after_another_with_samples_of_their_own():
    order = tuple(BY_NAME[name] for name in ("task_3", "task_1"))
    stages = shares.by_task(WHOLE, order, Streams(1))
    assert [[t.name for t in made.tasks] for made in stages] == [["task_3"], ["task_1"]]
    for made in stages:
        assert made.population.tasks == WHOLE.tasks  # the model stays the same
        for client in made.population.clients:
            assert client.tasks == made.tasks
            assert set(client.train.targets) == {made.tasks[0].name}
        assert made.population.test is WHOLE.test
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()


def test_a_client_without_a_task_sits_its_stage_out_and_keeps_its_samples_for_the_others():
    uneven = population(3, held={1: (MODALITIES[:1], TASKS[1:2])}, samples=360)
    order = tuple(BY_NAME[name] for name in ("task_1", "task_2"))
    first, second = shares.by_task(uneven, order, Streams(1))
    assert first.population.numbers == (0, 1, 2)
    assert second.population.numbers == (0, 2)
    assert len(first.population.clients[1].train) == len(uneven.clients[1].train)


def test_seasons_of_labels_have_the_same_shares_at_clients_and_at_the_test():
    task, alpha = BY_NAME["task_1"], 0.5
    stages = shares.by_label(WHOLE, task, stages=2, alpha=alpha, streams=Streams(1))
    drawn = Streams(1)("stream/labels").dirichlet([alpha] * 2, size=task.outputs)
    for part in ("train", "test"):
        where = WHOLE.clients[0].train if part == "train" else WHOLE.test
        for label in range(task.outputs):
            total = (where.targets["task_1"] == label).sum()
            for at, made in enumerate(stages):
                own = made.population.clients[0].train if part == "train" else made.population.test
                found = (own.targets["task_1"] == label).sum()
                assert abs(found - drawn[label, at] * total) <= 1
    for place, client in enumerate(WHOLE.clients):
        assert sorted(chain(*ids(stages, place))) == client.train.ids.tolist()
    everybodys = sorted(chain(*(s.population.test.ids.tolist() for s in stages)))
    assert everybodys == WHOLE.test.ids.tolist()


def test_seasons_of_labels_follow_their_seed():
    task = BY_NAME["task_1"]

    def ones(seed):
        made = shares.by_label(WHOLE, task, stages=2, alpha=0.5, streams=Streams(seed))
        return made[0].population.test.ids.tolist()

    assert ones(1) == ones(1)
    assert ones(1) != ones(2)


def test_a_season_without_samples_says_what_to_do():
    few = population(3, samples=60)
    stream = Stream(kind="labels", task="task_1", stages=9, dirichlet_alpha=0.01)
    with pytest.raises(ConfigError, match="take fewer stages or more samples, or a larger"):
        stream.divided(few, Streams(1))
    assert np.isfinite(few.test.inputs["vector_0"]).all()
