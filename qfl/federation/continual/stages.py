"""One stage of a stream: who trains on what, and what its score counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.federation.population import Client, Population, regrouped

Part = Callable[[Client, int], Client | None]
"""A client and its number -> the client in a stage, None if it sits it out."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One stage.

    Attributes:
        population: who trains on what; its test samples are of this stage alone. It has all
            modalities and tasks of the federation, so that every stage has the same model.
        tasks: what its score counts.
    """

    population: Population
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Itinerary:
    """All stages of a stream.

    Attributes:
        whole: the population before it was divided.
        stages: in order.
        streams: of the cell.
    """

    whole: Population
    stages: tuple[Stage, ...]
    streams: Streams

    def parts(self, number: int, *, before: int | None = None) -> list[Client]:
        """Return what the client of this number is in each stage that it takes part in, in order.

        Args:
            number: of its random streams.
            before: stages from this one on do not count; None counts all.
        """
        populations = [stage.population for stage in self.stages[:before]]
        return [
            client
            for each in populations
            for client, own in zip(each.clients, each.numbers, strict=True)
            if own == number
        ]


def staged(
    population: Population, number: int, tasks: tuple[Task, ...], *, part: Part, test: Samples
) -> Stage:
    """Return the stage in which every client has its part.

    Args:
        population: of the whole stream.
        number: of the stage, from 1.
        tasks: what its score counts.
        part: of a client.
        test: its test samples.

    Raises:
        ConfigError: nobody would train in it, or it could not be tested.
    """
    members: dict[int, Client] = {}
    everybody = zip(population.clients, population.numbers, strict=True)
    for place, (client, own_number) in enumerate(everybody):
        if (member := part(client, own_number)) is not None:
            members[place] = member
    if not members or not len(test):
        raise ConfigError(
            f"stage {number} has {len(members)} clients with samples and {len(test)} test samples; "
            "take fewer stages or more samples, or a larger dirichlet_alpha where labels shift"
        )
    whole = regrouped(population, members)
    return Stage(
        replace(whole, modalities=population.modalities, tasks=population.tasks, test=test), tasks
    )


def having(client: Client, train: Samples, test: Samples) -> Client | None:
    """Return the client with these samples, None if it lacks one kind."""
    return replace(client, train=train, test=test) if len(train) and len(test) else None


def turn(samples: Samples, at: int, of: int, *, number: int, streams: Streams) -> Samples:
    """Return one of so many equal parts of a client's samples, drawn at random, each once."""
    order = streams("stream/order", number).permutation(len(samples))
    return samples.take(np.sort(np.array_split(order, of)[at]))
