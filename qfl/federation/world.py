"""What an algorithm may look at when it starts: the model, who takes part, how they train."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.core.rng import Streams
from qfl.federation.engine import LocalTraining
from qfl.federation.population import Client, TensorSamples
from qfl.models.m3t import Architecture
from qfl.models.policies import ExchangePolicy


@dataclass(frozen=True, eq=False)
class Participant:
    """A client made ready: its architecture and its samples as tensors.

    Attributes:
        index: its place among the participants.
        number: of its random streams; kept when others leave.
        client: what it was made from.
        model: the modules that it holds.
        train, test: its samples.
    """

    index: int
    number: int
    client: Client
    model: Architecture
    train: TensorSamples
    test: TensorSamples


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
        public: complete samples that no client holds; None if there are none.
    """

    model: Architecture
    participants: tuple[Participant, ...]
    training: LocalTraining
    exchange: ExchangePolicy
    rounds: int
    streams: Streams
    public: TensorSamples | None = None
