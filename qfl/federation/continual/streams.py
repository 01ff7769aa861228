"""Streams: one population, whose samples come stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.data.shifts import Shift, feature_shift
from qfl.federation.population import Client, Population, regrouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What changes from stage to stage.

    Attributes:
        kind: classes brings the classes of `task` in groups; noise, gain and rotation are seasons
            that shift every input more and more, see `qfl.data.shifts.feature_shift`.
        task: whose classes come in groups.
        stages: how many.
        strength: of the last season.
    """

    kind: Literal["classes", "noise", "gain", "rotation"] = "noise"
    task: str = ""
    stages: int = 3
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.stages < 2 or not self.strength > 0:
            raise ConfigError(
                f"stages {self.stages} and strength {self.strength}; allowed: at least 2, above 0"
            )
        if bool(self.task) != (self.kind == "classes"):
            raise ConfigError(
                f"kind {self.kind!r} with task {self.task!r}; classes need a task whose classes "
                "come in groups, seasons have none"
            )

    def divided(self, population: Population, streams: Streams) -> tuple[Stage, ...]:
        """Return the stages; a client without samples in a stage sits it out.

        Raises:
            ConfigError: a stage would be empty, or nothing can be turned.
        """
        if self.kind == "classes":
            return _by_class(population, self._task(population), self.stages)
        return _by_season(population, self, streams)

    def _task(self, population: Population) -> Task:
        names = {task.name: task for task in population.tasks if task.kind == "classification"}
        if self.task not in names:
            raise UnknownNameError("task with classes", self.task, names)
        if names[self.task].outputs < self.stages:
            raise ConfigError(
                f"{names[self.task].outputs} classes of {self.task!r} cannot come in {self.stages} "
                "groups; take fewer stages"
            )
        return names[self.task]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One stage.

    Attributes:
        population: who trains on what; its test samples are of this stage alone.
        tasks: what its score counts.
    """

    population: Population
    tasks: tuple[Task, ...]


def _by_class(population: Population, task: Task, stages: int) -> tuple[Stage, ...]:
    def group(samples: Samples, stage: int) -> NDArray[np.intp]:
        return np.flatnonzero(samples.targets[task.name] * stages // task.outputs == stage)

    def of(stage: int) -> Stage:
        return _stage(population, (task,), stage, lambda s, _: s.take(group(s, stage)), task.name)

    return tuple(of(stage) for stage in range(stages))


def _by_season(population: Population, stream: Stream, streams: Streams) -> tuple[Stage, ...]:
    if stream.kind == "rotation" and not any(_turns(m.shape) for m in population.modalities):
        raise ConfigError("no modality is a square picture, so nothing can be turned")

    def shown(samples: Samples, number: int, stage: int) -> Samples:
        """What a season makes of samples."""
        parts = [np.zeros(0, np.intp)] * stream.stages
        parts[stage] = np.arange(len(samples))
        inputs = {}
        for name, array in samples.inputs.items():
            if stream.kind == "rotation" and not _turns(array.shape[1:]):
                inputs[name] = array
                continue
            # A season has one gain for everybody; noise is drawn for each anew.
            own = () if stream.kind == "gain" else (number, stage)
            inputs[name] = feature_shift(
                array,
                parts,
                kind=cast(Shift, stream.kind),
                strength=stream.strength,
                rng=streams(f"stream/{name}", *own),
            )
        return replace(samples, inputs=inputs)

    def of(stage: int) -> Stage:
        def season(samples: Samples, number: int) -> Samples:
            order = streams("stream/order", number).permutation(len(samples))
            rows = np.sort(np.array_split(order, stream.stages)[stage])
            return shown(samples.take(rows), number, stage)

        made = _stage(population, population.tasks, stage, season, "")
        test = shown(population.test, len(population.clients), stage)
        return replace(made, population=replace(made.population, test=test))

    return tuple(of(stage) for stage in range(stream.stages))


def _stage(
    population: Population,
    tasks: tuple[Task, ...],
    stage: int,
    part: Callable[[Samples, int], Samples],
    task: str,
) -> Stage:
    """The stage in which every client has its part of its samples."""
    members: dict[int, Client] = {}
    for place, (client, number) in enumerate(
        zip(population.clients, population.numbers, strict=True)
    ):
        if task and task not in client.train.targets:
            continue
        train, test = part(client.train, number), part(client.test, number)
        if len(train) and len(test):
            members[place] = replace(client, train=train, test=test)
    if not members:
        raise ConfigError(f"stage {stage + 1} has no client with samples; take fewer stages")
    whole = regrouped(population, members)
    test = part(population.test, len(population.clients)) if task else population.test
    return Stage(
        replace(
            whole,
            modalities=population.modalities,
            tasks=population.tasks,
            test=test,
        ),
        tasks,
    )


def _turns(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 2 and shape[0] == shape[1]
