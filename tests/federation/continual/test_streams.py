"""What a stream may be asked for, and which test samples all of its stages have together."""

import numpy as np
import pytest
from small import population

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.rng import Streams
from qfl.federation.continual.streams import Stream

WHOLE = population(3, samples=360)


def test_stages_are_counted_where_they_are_not_said():
    assert Stream(kind="tasks", tasks=("a", "b", "c", "d")).stages == 4
    assert Stream().stages == 3
    assert Stream(kind="labels", task="a", stages=5).stages == 5


@pytest.mark.parametrize(
    ("stream", "times"),
    [
        (Stream(kind="tasks", tasks=("task_0", "task_2")), 1),
        (Stream(kind="classes", task="task_1", stages=2), 1),
        (Stream(kind="labels", task="task_1", stages=2, dirichlet_alpha=1.0), 1),
        (Stream(kind="modalities", stages=2), 2),
        (Stream(kind="noise", stages=3), 3),
    ],
)
def test_the_test_of_all_stages_has_every_test_sample_as_often_as_it_is_shown(stream, times):
    stages = stream.divided(WHOLE, Streams(1))
    assert len(stages) == stream.stages
    both = stream.test(WHOLE, stages)
    assert np.array_equal(np.sort(both.ids), np.sort(np.tile(WHOLE.test.ids, times)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stages": 1}, "stages 1"),
        ({"strength": 0.0}, "strength 0.0"),
        ({"kind": "labels", "task": "a", "dirichlet_alpha": 0.0}, "dirichlet_alpha 0.0"),
        ({"kind": "classes"}, "a stream of classes needs task: which, by name"),
        ({"kind": "tasks"}, "a stream of tasks needs tasks"),
        ({"kind": "noise", "task": "a"}, "a stream of noise has no use for task = 'a'; leave it"),
        ({"kind": "rotation", "strength": 2.0}, "no use for strength = 2.0"),
        ({"kind": "tasks", "tasks": ("a", "b"), "task": "a"}, "no use for task"),
        ({"kind": "classes", "task": "a", "dirichlet_alpha": 1.0}, "no use for dirichlet_alpha"),
        ({"kind": "tasks", "tasks": ("a",)}, "stages 1"),
        ({"kind": "tasks", "tasks": ("a", "a")}, "none twice"),
        ({"kind": "tasks", "tasks": ("a", "b"), "stages": 3}, "name one task for each stage"),
        ({"kind": "modalities", "strength": 1.5}, "1.5 is a share of samples for modalities"),
        ({"rounds": (2, 0, 2)}, r"rounds \[2, 0, 2\] of 3 stages; allowed: one number of at least"),
        ({"rounds": (2, 2)}, r"rounds \[2, 2\] of 3 stages"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Stream(**options)


def test_tasks_that_the_data_lack_are_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown task 'task_9' \(did you mean"):
        Stream(kind="tasks", tasks=("task_1", "task_9")).divided(WHOLE, Streams(1))
    with pytest.raises(UnknownNameError, match="unknown task with classes 'task_0'"):
        Stream(kind="classes", task="task_0", stages=2).divided(WHOLE, Streams(1))
    with pytest.raises(ConfigError, match="2 classes of 'task_1' cannot come in 3 groups"):
        Stream(kind="classes", task="task_1").divided(WHOLE, Streams(1))
