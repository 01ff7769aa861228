"""Ways to go through a stream: with nothing, some or all samples of other stages, or starting anew.

The way that ties weights to what mattered before is in `ewc`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from qfl.core.errors import ConfigError
from qfl.core.events import LinkEvent
from qfl.core.ports import Algorithm
from qfl.core.record import Costs
from qfl.core.tasks import Samples
from qfl.federation.continual.stages import Itinerary
from qfl.federation.continual.stock import joined
from qfl.federation.population import Client, Population, regrouped
from qfl.federation.round import Federation

CONTINUAL = (
    *("continual_score", "learning_score", "forgetting", "backward_transfer", "forward_transfer"),
)
"""What the matrix of a way that learns stage after stage says."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memento:
    """What a federation takes along from a stage.

    Attributes:
        algorithm: in place of the study's in the next stage; None: the study's.
        costs: of making it.
        links: the key exchanges that it took.
        size_bytes: that all clients together keep of it.
    """

    algorithm: Algorithm | None = None
    costs: Costs = field(default_factory=Costs)
    links: tuple[LinkEvent, ...] = ()
    size_bytes: int = 0


class Way(Protocol):
    """A way to go through a stream; options are its fields.

    Attributes:
        says: which numbers of its matrix of scores mean something, by their names in a record.
        afresh: whether every stage begins with fresh weights.
    """

    says: ClassVar[tuple[str, ...]]
    afresh: ClassVar[bool]

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return who trains on what in a stage."""
        ...

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return what is taken along from stage `at`, which was learnt."""
        ...


@dataclass(frozen=True, slots=True)
class Naive:
    """Every stage on its own samples alone; no options."""

    says: ClassVar[tuple[str, ...]] = CONTINUAL
    afresh: ClassVar[bool] = False

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return the stage's own."""
        return itinerary.stages[at].population

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return nothing."""
        return Memento()


@dataclass(frozen=True, slots=True)
class Fresh:
    """Every stage on its own samples from fresh weights: what a stage is worth by itself.

    No options. A reference: it learns one stage after another, but nothing of one for another, so
    that only the score on each right after it means something.
    """

    says: ClassVar[tuple[str, ...]] = ("learning_score",)
    afresh: ClassVar[bool] = True

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return the stage's own."""
        return itinerary.stages[at].population

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return nothing."""
        return Memento()


@dataclass(frozen=True, slots=True)
class Joint:
    """The samples of all stages at once, from the first round on: the ceiling; no options.

    A reference: it knows in the first stage what comes in the last, and a round of it passes over
    the samples of all stages; there is no order that could matter.
    """

    says: ClassVar[tuple[str, ...]] = ("continual_score",)
    afresh: ClassVar[bool] = False

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return everybody with the samples of all stages, whatever stage it is."""
        whole = itinerary.whole
        found = {place: itinerary.parts(n) for place, n in enumerate(whole.numbers)}
        return regrouped(
            whole, {place: _merged(parts, whole) for place, parts in found.items() if parts}
        )

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return nothing."""
        return Memento()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every client keeps some samples of earlier stages and trains on them too.

    Attributes:
        memory: samples that a client keeps, of all earlier stages together.
    """

    says: ClassVar[tuple[str, ...]] = CONTINUAL
    afresh: ClassVar[bool] = False
    memory: int = 50

    def __post_init__(self) -> None:
        if self.memory < 1:
            raise ConfigError(f"memory must be at least 1 sample, got {self.memory}")

    def population(self, itinerary: Itinerary, at: int) -> Population:
        """Return the stage with the same number of samples of each earlier one added.

        Raises:
            ConfigError: in the last stage, a client could keep no sample of each earlier one.
        """
        self.check(len(itinerary.stages))
        present = itinerary.stages[at].population
        clients = []
        for client, number in zip(present.clients, present.numbers, strict=True):
            parts = itinerary.parts(number, before=at)
            kept = [
                replace(old, train=self._drawn(old.train, number, place, len(parts), itinerary))
                for place, old in enumerate(parts)
            ]
            clients.append(_merged([client, *kept], present))
        return replace(present, clients=tuple(clients))

    def check(self, stages: int) -> None:
        """Refuse a memory that cannot hold a sample of each earlier stage."""
        if self.memory < stages - 1:
            raise ConfigError(
                f"a memory of {self.memory} holds no sample of each of {stages - 1} earlier "
                f"stages; take memory >= {stages - 1}, or fewer stages"
            )

    def remember(self, federation: Federation, earlier: Memento | None, at: int) -> Memento:
        """Return nothing beside the samples."""
        return Memento()

    def _drawn(
        self, samples: Samples, number: int, place: int, parts: int, itinerary: Itinerary
    ) -> Samples:
        order = itinerary.streams("memory", number, place).permutation(len(samples))
        return samples.take(order[: self.memory // parts])


def _merged(parts: Sequence[Client], whole: Population) -> Client:
    """A client with the samples, modalities and tasks of several stages."""
    return replace(
        parts[0],
        modalities=tuple(m for m in whole.modalities if any(m in p.modalities for p in parts)),
        tasks=tuple(t for t in whole.tasks if any(t in p.tasks for p in parts)),
        train=joined([part.train for part in parts]),
        test=joined([part.test for part in parts]),
    )
