"""What an algorithm may look at when it starts: the model, who takes part, how they train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qfl.core.rng import Streams
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
    participants: tuple[Participant, ...]
    training: LocalTraining
    exchange: ExchangePolicy
    rounds: int
    streams: Streams
    initial: State
    public: TensorSamples | None = None


def made_ready(
    population: Population, recipe_of: Callable[[int], Pooled | Transformer]
) -> tuple[Participant, ...]:
    """Return the clients, each with the model that its modalities and tasks ask for.

    Args:
        population: who takes part.
        recipe_of: number of a client -> how its model is built.
    """
    return tuple(
        Participant(
            index=index,
            number=number,
            client=client,
            model=architecture(client.modalities, client.tasks, recipe_of(number)),
            train=TensorSamples.of(client.train),
            test=TensorSamples.of(client.test),
            validation=None if client.validation is None else TensorSamples.of(client.validation),
        )
        for index, (number, client) in enumerate(
            zip(population.numbers, population.clients, strict=True)
        )
    )
