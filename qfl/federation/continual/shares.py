"""Stages that divide samples by what is asked of them: tasks, groups of classes, shares of classes.

The test samples of the stages are those of the federation, divided in the same way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.federation.continual.stages import Stage, having, staged, turn
from qfl.federation.population import Client, Population, narrowed


def by_task(population: Population, tasks: tuple[Task, ...], streams: Streams) -> tuple[Stage, ...]:
    """Return one stage per task: a client divides its samples among the tasks that it has."""

    def of(at: int, task: Task) -> Stage:
        def part(client: Client, number: int) -> Client | None:
            own = [each for each in tasks if each in client.tasks]
            if task not in own:
                return None
            place = own.index(task)
            train, test = (
                narrowed(
                    turn(samples, place, len(own), number=number, streams=streams),
                    client.modalities,
                    (task,),
                )
                for samples in (client.train, client.test)
            )
            return having(replace(client, tasks=(task,)), train, test)

        return staged(population, at + 1, (task,), part=part, test=population.test)

    return tuple(of(at, task) for at, task in enumerate(tasks))


def by_class(population: Population, task: Task, stages: int) -> tuple[Stage, ...]:
    """Return stages that bring the classes of a task in groups; who lacks the task never comes."""

    def of(at: int) -> Stage:
        def group(samples: Samples) -> Samples:
            found = samples.targets[task.name] * stages // task.outputs
            return samples.take(np.flatnonzero(found == at))

        def part(client: Client, number: int) -> Client | None:
            if task not in client.tasks:
                return None
            return having(client, group(client.train), group(client.test))

        return staged(population, at + 1, (task,), part=part, test=group(population.test))

    return tuple(of(at) for at in range(stages))


def by_label(
    population: Population, task: Task, *, stages: int, alpha: float, streams: Streams
) -> tuple[Stage, ...]:
    """Return seasons among which every class is divided by shares of its own, Dir(alpha), the same
    shares at every client and at the test; who lacks the task divides its samples evenly."""
    drawn = streams("stream/labels").dirichlet([alpha] * stages, size=task.outputs)

    def of(at: int) -> Stage:
        def season(samples: Samples, number: int) -> Samples:
            if task.name not in samples.targets:
                return turn(samples, at, stages, number=number, streams=streams)
            order = streams("stream/order", number).permutation(len(samples))
            return samples.take(_season(samples.targets[task.name], drawn, order)[at])

        def part(client: Client, number: int) -> Client | None:
            return having(client, season(client.train, number), season(client.test, number))

        test = season(population.test, len(population.clients))
        return staged(population, at + 1, population.tasks, part=part, test=test)

    return tuple(of(at) for at in range(stages))


def _season(
    labels: NDArray[np.int64], shares: NDArray[np.float64], order: NDArray[np.intp]
) -> list[NDArray[np.intp]]:
    """Return the rows of every season, sorted: each class is cut where its shares say."""
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(shares.shape[1])]
    for label, own in enumerate(shares):
        rows = order[labels[order] == label]
        cuts = np.rint(np.cumsum(own)[:-1] * len(rows)).astype(np.intp)
        for part, found in zip(parts, np.split(rows, cuts), strict=True):
            part.append(found)
    return [np.sort(np.concatenate(part)) for part in parts]
