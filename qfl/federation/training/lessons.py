"""Lessons: what clients train during a visit, taught to all that hold the same modules at once.

What one client does is a course, a generator that yields a lesson, receives what came of it and in
the end returns a result. All courses advance side by side.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, TypeVar

import numpy as np
from torch import Tensor

from qfl.core.personal import Comparison
from qfl.federation.engine import Assignment, LocalObjective, LocalTraining, Step, Trained
from qfl.federation.training.cohort import Trainee, train_together
from qfl.federation.training.exclusions import unsound
from qfl.federation.world import Participant, World
from qfl.models.m3t import State, fitted, submodel
from qfl.models.policies import ExchangePolicy

T = TypeVar("T")


def no_term(step: Step) -> None:
    """Return no term beyond the task losses."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """One training of one client on its own samples. Clients with equal modules, tasks, objective
    and training are taught together.

    Attributes:
        state: its modules before; left untouched.
        rng: orders the batches.
        objective: a term beyond the task losses.
        carried: tensors that the objective finds in `Step.carried`.
        training: how; None: as in every round.
    """

    state: State
    rng: np.random.Generator
    objective: LocalObjective = no_term
    carried: Mapping[str, Tensor] = field(default_factory=dict)
    training: LocalTraining | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pupil:
    """A client after the common training of a round, or after the last one.

    Attributes:
        participant: who.
        round: 1, 2, ...; after the last round, one more than there were.
        model: its modules as they came down, and those that never travel.
        trained: what the common training made of them; None if there was none.
        own: its personal model as it left it; None if it has none yet.
    """

    participant: Participant
    round: int
    model: State
    trained: Trained | None = None
    own: State | None = None

    def mine(self, world: World) -> State:
        """Return its personal model, which begins as everybody's does."""
        model = self.participant.model
        return self.own or fitted(submodel(world.initial, model.module_ids), model)

    def order(self, world: World, lesson: int = 0) -> np.random.Generator:
        """Return what orders the batches of a lesson that it takes for itself."""
        return world.streams("batches/personal", self.round, self.participant.number, lesson)


@dataclass(frozen=True, slots=True, eq=False)
class PersonalModel:
    """What a client predicts with from now on, and how it came to it."""

    state: State
    comparisons: tuple[Comparison, ...] = ()


Course = Generator[Lesson, Trained, T]
"""Lessons out, what came of each in, and a result at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Attended(Generic[T]):
    """What a course came to.

    Attributes:
        result: what it returned; None if a lesson ended with NaN or infinity.
        unsound: what was wrong with that lesson, or "".
        operations: floating-point operations of all its lessons.
        seconds: its share of the real time.
    """

    result: T | None
    operations: float
    seconds: float
    unsound: str = ""


class _Desk(Generic[T]):
    """A course under way: its present lesson, or its result."""

    def __init__(self, participant: Participant, course: Course[T]) -> None:
        self.participant, self._course = participant, course
        self.operations = self.seconds = 0.0
        self._results: list[T] = []
        self._unsound = ""
        self.lesson: Lesson | None = None
        self.go_on(None)

    def go_on(self, trained: Trained | None) -> None:
        """Hand in what came of the lesson; fetch the next one."""
        try:
            course = self._course
            self.lesson = next(course) if trained is None else course.send(trained)
        except StopIteration as end:
            self.lesson = None
            self._results.append(end.value)

    def leave(self, why: str) -> None:
        """End the course without a result."""
        self._course.close()
        self.lesson, self._unsound = None, why

    def attended(self) -> Attended[T]:
        """Return what the course came to, once it has ended."""
        result = None if self._unsound else self._results[0]
        return Attended(result, self.operations, self.seconds, self._unsound)


def attend(
    courses: Mapping[int, tuple[Participant, Course[T]]],
    *,
    training: LocalTraining,
    exchange: ExchangePolicy,
    workers: int = 1,
) -> dict[int, Attended[T]]:
    """Return what the courses came to, all of them taught side by side.

    Args:
        courses: client index -> who takes it, and the course.
        training: of lessons that say nothing else.
        exchange: which modules move.
        workers: threads for those who are taught together; see `train_together`.
    """
    desks = {index: _Desk(who, course) for index, (who, course) in courses.items()}
    while waiting := [desk for desk in desks.values() if desk.lesson is not None]:
        for group in _groups(waiting):
            _teach(group, training, exchange, workers)
    return {index: desk.attended() for index, desk in desks.items()}


def _groups(desks: list[_Desk[T]]) -> list[list[_Desk[T]]]:
    """Return the desks, those that can be taught together in one list."""
    groups: dict[Hashable, list[_Desk[T]]] = {}
    for desk in desks:
        who, lesson = desk.participant, _lesson(desk)
        same = (who.model, who.client.tasks, lesson.objective, lesson.training)
        groups.setdefault(same, []).append(desk)
    return list(groups.values())


def _teach(
    desks: list[_Desk[T]], training: LocalTraining, exchange: ExchangePolicy, workers: int
) -> None:
    """Give the desks, which can be taught together, their present lesson."""
    started = perf_counter()
    who, first = desks[0].participant, _lesson(desks[0])
    trained = train_together(
        who.model,
        [_trainee(desk.participant, _lesson(desk)) for desk in desks],
        assignment=Assignment(
            tasks=who.client.tasks,
            training=first.training or training,
            objective=first.objective,
            exchange=exchange,
        ),
        workers=workers,
        device=training.device,
    )
    seconds = (perf_counter() - started) / len(desks)
    for desk, one in zip(desks, trained, strict=True):
        desk.operations += one.operations
        desk.seconds += seconds
        if why := unsound(one):
            desk.leave(why)
        else:
            desk.go_on(one)


def _lesson(desk: _Desk[T]) -> Lesson:
    assert desk.lesson is not None  # only desks that wait for one are taught
    return desk.lesson


def _trainee(who: Participant, lesson: Lesson) -> Trainee:
    return Trainee(lesson.state, who.train, lesson.rng, lesson.carried)
