"""Forgetting by shards: clients train in small federations that never meet, and answer together.

What a client taught is in its own shard alone, after the moment it joined. To forget it, that
shard goes back to what it was before, and trains again without it: exact, at a fraction of the
price.

Reference: Bourtoule et al., arXiv:1912.03817 (sharded, isolated, sliced, aggregated), with clients
in place of samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.record import Costs, RoundRecord
from qfl.federation.deciding.holdings import declared
from qfl.federation.deciding.sampling import stated
from qfl.federation.evaluate import measures_by_modality
from qfl.federation.population import Population, TensorSamples, regrouped
from qfl.federation.round import Federation
from qfl.federation.steps.standing import Standing
from qfl.federation.unlearning.ensemble import answers, merged
from qfl.federation.unlearning.requests import Erasure
from qfl.federation.unlearning.systems import Forgotten, Found, Founding, spent
from qfl.models.m3t import Architecture, State

Checkpoints = tuple[Standing | None, ...]
"""What a shard was before each of its slices joined; None is new."""


@dataclass(frozen=True, slots=True)
class Sharded:
    """Shards of clients, of which only those concerned train again.

    Attributes:
        shards: federations that the clients, and the clients of a round, are divided among.
        slices: groups of a shard's clients that join one after the other; those who join late are
            cheap to forget.
        slice_rounds: rounds between two joinings.
    """

    shards: int = 3
    slices: int = 1
    slice_rounds: int = 1

    def __post_init__(self) -> None:
        if self.shards < 2 or self.slices < 1 or self.slice_rounds < 1:
            raise ConfigError(
                f"shards {self.shards}, slices {self.slices} and slice_rounds "
                f"{self.slice_rounds}; allowed: at least 2, 1 and 1"
            )

    def begin(self, found: Found, population: Population) -> Shards:
        """Return the shards, the first slice of each having joined."""
        shards = Shards(self, population, found)
        for place in range(self.shards):
            shards.join(place, 0, None)
        return shards

    def forget(self, system: Shards, erasure: Erasure, *, found: Found, played: int) -> Forgotten:
        """Return the shards, those that knew what is erased trained again without it."""
        after = Shards(self, erasure.rest, found)
        costs = Costs()
        for place, checkpoints in system.checkpoints.items():
            since = self.concerned_since(place, erasure)
            if since is None or since >= len(checkpoints):
                after.take_over(system, place)
                continue
            after.checkpoints[place] = checkpoints[:since]
            after.join(place, since, checkpoints[since])
            first = since * self.slice_rounds + 1
            costs += spent(r for at in range(first, played + 1) for r in after.step(place, at))
        return Forgotten(system=after, costs=costs, stored_bytes=system.stored_bytes)

    def concerned_since(self, place: int, erasure: Erasure) -> int | None:
        """Return the first slice of a shard with something to forget, None if there is none."""
        slices = [self.slice_of(n) for n in erasure.numbers if self.shard_of(n) == place]
        return min(slices, default=None)

    def shard_of(self, number: int) -> int:
        """Return the shard of the client with this number."""
        return number % self.shards

    def slice_of(self, number: int) -> int:
        """Return with which slice of its shard this client joins, from 0."""
        return number // self.shards % self.slices


class Shards:
    """Shards at work.

    Attributes:
        federations: shard -> those who joined it; None while nobody has.
        checkpoints: shard -> what it was before each slice that joined.
    """

    def __init__(self, options: Sharded, population: Population, found: Found) -> None:
        self.options, self.population, self._found = options, population, found
        self.federations: dict[int, Federation | None] = {}
        self.checkpoints: dict[int, Checkpoints] = {}
        self._test = TensorSamples.of(population.test)

    @property
    def stored_bytes(self) -> int:
        """Size of all checkpoints."""
        return sum(
            tensor.numel() * tensor.element_size()
            for checkpoints in self.checkpoints.values()
            for checkpoint in checkpoints
            if checkpoint is not None
            for tensors in checkpoint.state.values()
            for tensor in tensors.values()
        )

    def join(self, place: int, slice_: int, standing: Standing | None) -> None:
        """Let a slice join its shard, which is `standing` until then; None is new."""
        options, population = self.options, self.population
        members = {
            at: client
            for at, (client, number) in enumerate(
                zip(population.clients, population.numbers, strict=True)
            )
            if options.shard_of(number) == place and options.slice_of(number) <= slice_
        }
        self.checkpoints[place] = (*self.checkpoints.get(place, ()), standing)
        founding = Founding(
            run=f"/shard-{place}-{slice_}", standing=standing, shards=options.shards
        )
        self.federations[place] = (
            self._found(regrouped(population, members), founding) if members else None
        )

    def take_over(self, other: Shards, place: int) -> None:
        """Go on with a shard of `other` as it is."""
        self.federations[place] = other.federations[place]
        self.checkpoints[place] = other.checkpoints[place]

    def step(self, place: int, round_index: int) -> Iterator[RoundRecord]:
        """Yield the record of a round of one shard, if anybody is there."""
        slice_, since = divmod(round_index - 1, self.options.slice_rounds)
        if not since and 0 < slice_ < self.options.slices:
            federation = self.federations[place]
            self.join(place, slice_, federation.standing() if federation else None)
        federation = self.federations[place]
        if federation is not None:
            yield from federation.train(round_index, round_index)

    def train(self, first: int, last: int) -> Iterator[RoundRecord]:
        """Yield the records of these rounds, in which all shards train at once."""
        for round_index in range(first, last + 1):
            parts = {at: r for at in self.federations for r in self.step(at, round_index)}
            record = merged(list(parts.values()), self._measured())
            yield replace(record, candidates=self._pool(parts))

    def record(self, round_index: int) -> RoundRecord:
        """Return the record of the present models, without what a round adds."""
        parts = [f.record(round_index) for f in self.federations.values() if f is not None]
        record = merged(parts, self._measured())
        if round_index:
            return record
        return replace(record, facts=self._facts(), holdings=declared(self.population.clients))

    def outputs(self, samples: TensorSamples) -> Mapping[str, Tensor]:
        """Return task -> outputs, to which every shard contributes that knows something."""
        present = [f for f in self.federations.values() if f is not None]
        return answers([(f.model, f.outputs) for f in present], samples, self.population.tasks)

    def model_for(self, number: int) -> tuple[Architecture, State] | None:
        """Return the model of the shard of the client with this number, None if nobody is left."""
        federation = self.federations[self.options.shard_of(number)]
        return None if federation is None else federation.model_for(number)

    def _pool(self, parts: Mapping[int, RoundRecord]) -> tuple[str, ...]:
        """Whom the shards chose from together, empty if each of them chose from all its clients."""
        if not any(part.candidates for part in parts.values()):
            return ()
        pools = [part.candidates or self._members(place) for place, part in parts.items()]
        return tuple(sorted(name for pool in pools for name in pool))

    def _members(self, place: int) -> tuple[str, ...]:
        federation = self.federations[place]
        return tuple(c.name for c in federation.population.clients) if federation else ()

    def _facts(self) -> dict[str, float]:
        """What is stated of all shards together, once everybody joined: each has a panel and pools
        of its own."""
        [one, *_] = [f for f in self.federations.values() if f is not None]
        sizes = Counter(map(self.options.shard_of, self.population.numbers)).values()
        most = one.schedule.evaluated_clients, one.policies.weights.candidates
        return stated(self.population, *(sum(min(size, each) for size in sizes) for each in most))

    def _measured(self) -> dict[str, float]:
        return measures_by_modality(self.outputs, self._test, self.population.tasks)
