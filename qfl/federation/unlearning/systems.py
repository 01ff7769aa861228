"""What can be asked to forget: a federation, or several that answer together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from torch import Tensor

from qfl.core.ports import Algorithm
from qfl.core.record import Costs, RoundRecord
from qfl.core.rng import Streams
from qfl.federation.population import Population, TensorSamples
from qfl.federation.round import Federation
from qfl.federation.steps.memory import Memory
from qfl.federation.steps.standing import Standing
from qfl.federation.unlearning.requests import Erasure
from qfl.models.m3t import Architecture, State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Founding:
    """How a federation is founded otherwise than the study's first one.

    Attributes:
        run: added to the name that its envelopes carry.
        streams: its random streams; None: those of the cell.
        standing: what it continues from; None: fresh weights.
        memory: what keeps its updates; None: nobody does.
        shards: among how many federations the clients of a round are divided.
        algorithm: in place of the study's; None: the study's.
        panel: numbers of the clients that are evaluated; None: as many as the study asks for.
        effort: share of the passes over their data that clients make in a round.
    """

    run: str = ""
    streams: Streams | None = None
    standing: Standing | None = None
    memory: Memory | None = None
    shards: int = 1
    algorithm: Algorithm | None = None
    panel: tuple[int, ...] | None = None
    effort: float = 1.0


Found = Callable[[Population, Founding], Federation]
"""Founds a federation of some clients as a study asks, with keys of its own."""


class System(Protocol):
    """A federation, or several that answer together."""

    def train(self, first: int, last: int) -> Iterator[RoundRecord]:
        """Yield the records of these rounds, both included."""
        ...

    def record(self, round_index: int) -> RoundRecord:
        """Return the record of the present models, without what a round adds."""
        ...

    def outputs(self, samples: TensorSamples) -> Mapping[str, Tensor]:
        """Return task -> outputs."""
        ...

    def model_for(self, number: int) -> tuple[Architecture, State] | None:
        """Return the model that the client of this number would be given, None if there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forgotten:
    """What came of a request.

    Attributes:
        system: without what was erased; it goes on from here.
        costs: of forgetting.
        stored_bytes: size of what had been kept for this day.
    """

    system: System
    costs: Costs = field(default_factory=Costs)
    stored_bytes: int = 0


class Unlearner(Protocol):
    """A way to forget; options are its fields."""

    def begin(self, found: Found, population: Population) -> System:
        """Return what will be trained, and be asked to forget."""
        ...

    def forget(self, system: Any, erasure: Erasure, *, found: Found, played: int) -> Forgotten:
        """Return the system without what is erased.

        Args:
            system: begun by this object; not to be used any more.
            erasure: what goes, and who stays.
            found: founds federations.
            played: rounds of training so far.
        """
        ...


def spent(records: Iterable[RoundRecord]) -> Costs:
    """Return what rounds cost together."""
    return sum((record.costs for record in records), Costs())


def apart(found: Found, *, run: str, streams: Streams | None = None) -> Found:
    """Return a founder of federations beside the first one, with their own name and streams."""
    return lambda population, founding: found(
        population, replace(founding, run=run + founding.run, streams=streams or founding.streams)
    )
