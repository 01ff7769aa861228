"""Courses side by side: each ends as it would alone, and one that fails ends without a result."""

import math
from dataclasses import replace

import numpy as np
import torch
from small import DIGITS

from qfl.core.rng import Streams
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.training.lessons import Lesson, attend
from qfl.federation.world import Participants
from qfl.models.policies import ExchangePolicy
from qfl.models.pooled import Pooled

TRAINING = LocalTraining(epochs=1)
PEOPLE = Participants(DIGITS, lambda _: Pooled(8), kept=9)
START = {p.index: p.model.initial_state(Streams(2)) for p in PEOPLE}


def rng(who, lesson):
    return np.random.default_rng([who.number, lesson])


def course(who, lessons, closed=None):
    """So many lessons one after the other; the last state is the result."""
    state, training = START[who.index], replace(TRAINING, learning_rate=0.05)
    try:
        for lesson in range(lessons):
            state = (yield Lesson(state=state, rng=rng(who, lesson), training=training)).state
    finally:
        if closed is not None:
            closed.append(who.index)
    return state


def alone(who, lessons):
    state, assignment = (
        START[who.index],
        Assignment(tasks=who.client.tasks, training=replace(TRAINING, learning_rate=0.05)),
    )
    for lesson in range(lessons):
        state = train(
            who.model, state, who.train, assignment=assignment, rng=rng(who, lesson)
        ).state
    return state


def attended(courses, **options):
    options = {"training": TRAINING, "exchange": ExchangePolicy(), **options}
    return attend({who.index: (who, own) for who, own in courses}, **options)


def test_courses_of_unequal_length_end_as_they_would_alone():
    lengths = {who: who.index % 3 for who in PEOPLE}
    found = attended([(who, course(who, n)) for who, n in lengths.items()])
    for who, lessons in lengths.items():
        wanted = who.model.flatten(alone(who, lessons))
        got = who.model.flatten(found[who.index].result)
        assert all(torch.allclose(got[name], wanted[name], atol=2e-6) for name in wanted)
        assert (found[who.index].operations > 0) == (lessons > 0)


def test_operations_of_all_lessons_are_on_the_bill():
    one, three = (
        attended([(PEOPLE[0], course(PEOPLE[0], lessons))])[0].operations for lessons in (1, 3)
    )
    assert three == 3 * one > 0


def test_a_lesson_that_ends_in_nan_ends_its_course_and_no_other():
    closed = []
    wild = replace(
        PEOPLE[0],
        train=replace(
            PEOPLE[0].train, inputs={m: x * 1e30 for m, x in PEOPLE[0].train.inputs.items()}
        ),
    )
    free = replace(TRAINING, clip_norm=math.inf)

    def blown(who):
        try:
            yield Lesson(state=START[who.index], rng=rng(who, 0), training=free)
            yield Lesson(state=START[who.index], rng=rng(who, 1), training=free)
        finally:
            closed.append(who.index)

    found = attended([(wild, blown(wild)), (PEOPLE[1], course(PEOPLE[1], 2))])
    assert found[0].result is None
    assert "NaN or infinity" in found[0].unsound
    assert closed == [0]
    assert found[1].unsound == ""
    assert found[1].result is not None
