"""What an algorithm may look at when it starts: the model, who takes part, how they train."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import overload

import numpy as np

from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.federation.engine import LocalTraining
from qfl.federation.population import Client, Population, TensorSamples
from qfl.models.m3t import Architecture, State, architecture
from qfl.models.policies import ExchangePolicy
from qfl.models.pooled import Pooled
from qfl.models.transformer import Transformer


@dataclass(frozen=True, eq=False)
class Participant:
    """A client made ready: its architecture and its samples as tensors.

    Attributes:
        index: its place among the participants.
        number: of its random streams; kept when others leave.
        client: what it was made from.
        model: the modules that it holds.
        train, test: its samples.
        validation: samples that it neither trains on nor is tested on; None if there are none.
    """

    index: int
    number: int
    client: Client
    model: Architecture
    train: TensorSamples
    test: TensorSamples
    validation: TensorSamples | None = None


Recipes = Callable[[int], Pooled | Transformer]
"""Number of a client -> how its model is built."""


class Participants(Sequence[Participant]):
    """All clients in order, each made ready when somebody looks at it.

    Registered clients cost nothing until they are called: of more than `kept`, those that nobody
    looked at for longest are let go, and made again, the same, when they are wanted.

    Args:
        population: who takes part.
        recipe_of: how their models are built.
        training_on: what each trains on in place of its own samples; None: on these.
        kept: how many are kept.

    Attributes:
        clients: what they are made from.
        sizes: (n,) training samples of each.
    """

    def __init__(
        self,
        population: Population,
        recipe_of: Recipes,
        *,
        training_on: Callable[[Participant], TensorSamples] | None = None,
        kept: int,
    ) -> None:
        self.clients = population.clients
        self._population, self._recipe_of, self._training_on = population, recipe_of, training_on
        self._kept = kept
        self._made = lru_cache(maxsize=kept)(self._make)
        self.sizes = np.array([len(samples) for _, samples in self.trained_on()])

    @property
    def made(self) -> int:
        """How often one was made ready so far."""
        return self._made.cache_info().misses

    def training_on(self, samples: Callable[[Participant], TensorSamples]) -> Participants:
        """Return the participants with other training samples; all are looked at once."""
        return Participants(self._population, self._recipe_of, training_on=samples, kept=self._kept)

    def trained_on(self) -> Iterator[tuple[Client, Samples | TensorSamples]]:
        """Yield all clients with their training samples; own ones are not made ready for it."""
        if self._training_on is None:
            return ((client, client.train) for client in self.clients)
        return ((who.client, who.train) for who in self)

    def model_of(self, index: int) -> Architecture:
        """Return the model that a client's modalities and tasks ask for."""
        client, number = self.clients[index], self._population.numbers[index]
        return architecture(client.modalities, client.tasks, self._recipe_of(number))

    @overload
    def __getitem__(self, place: int) -> Participant: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Participant, ...]: ...
    def __getitem__(self, place: int | slice) -> Participant | tuple[Participant, ...]:
        places = range(len(self))[place]
        return self._made(places) if isinstance(places, int) else tuple(map(self._made, places))

    def __iter__(self) -> Iterator[Participant]:
        return map(self._made, range(len(self)))

    def __len__(self) -> int:
        return len(self.clients)

    def _make(self, index: int) -> Participant:
        client = self.clients[index]
        found = Participant(
            index=index,
            number=self._population.numbers[index],
            client=client,
            model=self.model_of(index),
            train=TensorSamples.of(client.train),
            test=TensorSamples.of(client.test),
            validation=None if client.validation is None else TensorSamples.of(client.validation),
        )
        if self._training_on is None:
            return found
        return replace(found, train=self._training_on(found))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """One federation, before its first round.

    What a server may not know (`participants[i].train`, say) is here too, because algorithms also
    say what clients do; each takes for its server-side part only what travels.

    Attributes:
        model: the global architecture.
        participants: in the order of their indices.
        training: what a client does between download and upload.
        exchange: which modules travel.
        rounds: how many there will be.
        streams: the cell's random streams.
        initial: the global modules before the first round.
        public: complete samples that no client holds; None if there are none.
    """

    model: Architecture
    participants: Participants
    training: LocalTraining
    exchange: ExchangePolicy
    rounds: int
    streams: Streams
    initial: State
    public: TensorSamples | None = None
