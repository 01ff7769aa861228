"""Requests: who leaves, who loses what, and which make no sense."""

import dataclasses

import numpy as np
import pytest
from small import MODALITIES, TASKS, population

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.federation.unlearning.requests import Request, erase
from qfl.models.pooled import Pooled

VECTOR, IMU, SERIES = MODALITIES
WHOLE = population(
    5,
    held={
        1: ((IMU,), TASKS),
        2: ((VECTOR, IMU), ("task_1",)),
        3: ((VECTOR, SERIES), TASKS[1:]),
        4: ((VECTOR,), ("task_0", "task_1")),
    },
)


def test_a_client_goes_with_all_its_samples():
    erasure = erase(WHOLE, Request(clients=("client-00", "client-03")))
    assert erasure.left == ("client-00", "client-03")
    assert erasure.rest.numbers == (1, 2, 4)
    assert [s.number for s in erasure.subjects] == [0, 3]
    gone = {i for place in (0, 3) for i in WHOLE.clients[place].train.ids.tolist()}
    kept = [s for c in erasure.rest.clients for s in (c.train, c.test)]
    assert not gone & {i for s in (*kept, erasure.rest.spare) for i in s.ids.tolist()}


def test_what_the_last_holder_takes_along_is_no_longer_in_the_model():
    erasure = erase(WHOLE, Request(clients=("client-00", "client-03")))
    assert [m.name for m in erasure.rest.modalities] == [VECTOR, IMU]
    gone = erasure.gone(WHOLE, Pooled(8))
    assert gone == {f"encoder:{SERIES}:*": "nobody is left who holds it"}
    first = next(s for s in erasure.subjects if s.number == 0)
    assert list(first.seen.inputs) == [VECTOR, IMU]
    assert list(first.before.train.inputs) == list(MODALITIES)


def test_a_modality_goes_and_those_with_nothing_else_leave():
    erasure = erase(WHOLE, Request(modality=IMU))
    assert erasure.left == ("client-01",)
    assert [s.number for s in erasure.subjects] == [0, 1, 2]
    assert erasure.subjects[1].seen is None
    assert all(IMU not in c.train.inputs for c in erasure.rest.clients)
    assert IMU not in erasure.rest.test.inputs
    assert erasure.gone(WHOLE, Pooled(8)) == {f"encoder:{IMU}:*": "forgotten"}
    assert erasure.subjects[1].unseen is None
    for subject in erasure.subjects[0], erasure.subjects[2]:
        assert len(subject.unseen) == len(subject.before.test)
        assert IMU not in subject.unseen.inputs


def test_a_task_goes_and_those_with_nothing_else_leave():
    erasure = erase(WHOLE, Request(task="task_1"))
    assert erasure.left == ("client-02",)
    assert [s.number for s in erasure.subjects] == [0, 1, 2, 3, 4]
    assert [t.name for t in erasure.tasks(erasure.subjects[0])] == ["task_1"]
    assert "task_1" not in erasure.rest.test.targets
    assert erasure.gone(WHOLE, Pooled(8)) == {"head:*:task_1": "forgotten"}


def test_only_samples_that_had_it_count_as_forgotten():
    """Samples that lack the modality were never trained through it; one with nothing else goes."""
    client = WHOLE.clients[2]
    n = len(client.train)
    lacking, alone = np.arange(n) % 3 == 0, np.arange(n) % 3 == 1
    masked = dataclasses.replace(client.train, available={IMU: ~lacking, VECTOR: ~alone})
    clients = list(WHOLE.clients)
    clients[2] = dataclasses.replace(client, train=masked)
    whole = dataclasses.replace(WHOLE, clients=tuple(clients))
    erasure = erase(whole, Request(modality=IMU))
    both = client.train.ids[~lacking & ~alone].tolist()
    assert erasure.subjects[2].seen.ids.tolist() == both
    stays = next(c for c in erasure.rest.clients if c.name == client.name)
    assert stays.train.ids.tolist() == client.train.ids[~alone].tolist()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"clients": ("client-09",)}, r"unknown client 'client-09' \(did you mean"),
        ({"modality": "smell"}, "unknown modality 'smell'"),
        ({"task": "task_7"}, "unknown task 'task_7'"),
    ],
)
def test_names_that_nobody_carries_are_refused(asked, message):
    with pytest.raises(UnknownNameError, match=message):
        erase(WHOLE, Request(**asked))


def test_what_nobody_holds_and_what_everybody_needs_cannot_be_forgotten():
    image = population(3, held={i: ((VECTOR,), ("task_0",)) for i in range(3)})
    with pytest.raises(ConfigError, match="no client holds 'imu_1': there is nothing to forget"):
        erase(image, Request(modality=IMU))
    with pytest.raises(ConfigError, match="no client holds 'task_3'"):
        erase(image, Request(task="task_3"))
    for asked in ({"modality": VECTOR}, {"clients": tuple(c.name for c in image.clients)}):
        with pytest.raises(ConfigError, match="leaves nobody"):
            erase(image, Request(**asked))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "name exactly one of the three"),
        ({"modality": "a", "task": "b"}, "name exactly one of the three"),
        ({"clients": ("a", "a")}, "one of them twice"),
        ({"task": "a", "retrainings": 1}, "retrainings 1"),
        ({"task": "a", "round": -1}, "round -1"),
    ],
)
def test_requests_that_say_too_little_or_too_much_are_refused(asked, message):
    with pytest.raises(ConfigError, match=message):
        Request(**asked)
