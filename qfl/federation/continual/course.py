"""A federation that goes through a stream, and what it knows of every stage on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.metrics import over_clients
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.data.heterogeneity import label_heterogeneity
from qfl.federation.continual.rounds import ends
from qfl.federation.continual.stages import Itinerary, Stage
from qfl.federation.continual.stock import size_bytes
from qfl.federation.continual.streams import Stream
from qfl.federation.continual.transfer import (
    average,
    backward_transfer,
    forgetting,
    forward_transfer,
    learning_score,
)
from qfl.federation.continual.ways import Memento, Way
from qfl.federation.deciding.holdings import declared
from qfl.federation.evaluate import measures, score
from qfl.federation.population import Population, TensorSamples
from qfl.federation.round import Federation
from qfl.federation.steps.standing import Standing
from qfl.federation.unlearning.systems import Found, Founding

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Journey:
    """One federation, one stream, one way through it.

    Attributes:
        way: how it remembers.
        stream: what changes.
        population: who takes part, with the samples of all stages.
        found: founds the federation of a stage.
        rounds: of all stages together.
        streams: of the cell.
    """

    way: Way
    stream: Stream
    population: Population
    found: Found
    rounds: int
    streams: Streams

    def play(self) -> Iterator[RoundRecord]:
        """Yield the record of the untrained model, then that of every round.

        Its metrics are those on the test samples of all stages together; "score.on_stage@2" is the
        score on those of the second stage alone. The very last record holds what follows from these
        scores, as far as the way gives them a meaning.

        Raises:
            ConfigError: the rounds cannot be divided among the stages.
        """
        last_rounds = ends(self.rounds, self.stream.stages, self.stream.rounds)
        stages = self.stream.divided(self.population, self.streams)
        itinerary = Itinerary(self.population, stages, self.streams)
        watch = _Watch.of(stages)
        everything = self.stream.test(self.population, stages)
        standing: Standing | None = None
        memento: Memento | None = None
        for at, last in enumerate(last_rounds):
            present = self.way.population(itinerary, at)
            own = sum(size_bytes(client.train) for client in stages[at].population.clients)
            extra = sum(size_bytes(client.train) for client in present.clients) - own
            founding = Founding(
                run=f"/stage-{at + 1}",
                standing=standing,
                algorithm=memento.algorithm if memento else None,
            )
            federation = self.found(replace(present, test=everything), founding)
            if not at:
                yield self._untrained(watch.seen(federation, federation.record(0)), stages)
            watch.note_memory(extra + (memento.size_bytes if memento else 0))
            first = last_rounds[at - 1] + 1 if at else 1
            yield from (watch.seen(federation, r) for r in federation.train(first, last - 1))
            [record] = federation.train(last, last)
            record = watch.seen(federation, record)
            watch.note_stage(record)
            if at == len(stages) - 1:
                yield replace(record, metrics={**record.metrics, **watch.summary(self.way.says)})
                return
            memento = self.way.remember(federation, memento, at)
            yield replace(
                record, costs=record.costs + memento.costs, links=(*record.links, *memento.links)
            )
            standing = None if self.way.afresh else federation.standing()

    def _untrained(self, record: RoundRecord, stages: Sequence[Stage]) -> RoundRecord:
        """The first record, which states what is known of all stages and not of the first alone."""
        taught = {t.name for s in stages for c in s.population.clients for t in c.tasks}
        return replace(
            record,
            facts={**record.facts, **self._facts(stages)},
            holdings=declared(self.population.clients),
            excluded={name: why for name, why in record.excluded.items() if name not in taught},
        )

    def _facts(self, stages: Sequence[Stage]) -> dict[str, float]:
        """What a report states about the realised stages."""
        found = {"stages": float(len(stages))}
        for number, stage in enumerate(stages, 1):
            clients = stage.population.clients
            found[f"clients_in_stage_{number}"] = float(len(clients))
            found[f"samples_in_stage_{number}"] = float(sum(len(c.train) for c in clients))
        if self.stream.task:
            labels = [_labels(stage, self.stream.task) for stage in stages]
            cuts = np.cumsum([len(part) for part in labels])[:-1]
            rows = np.split(np.arange(sum(map(len, labels))), cuts)
            skew = label_heterogeneity(np.concatenate(labels), rows)
            found["total_variation_of_stages"] = skew.total_variation
        return found


@dataclass(slots=True, eq=False)
class _Watch:
    """What is seen of all stages while a federation goes through them.

    Attributes:
        tests: the test samples of every stage, with what its score counts.
        untrained: (stages,) scores before any training.
        rows: (stages,) scores at the end of each stage so far.
        memory_bytes: the most that all clients together kept of other stages.
    """

    tests: list[tuple[TensorSamples, Stage]]
    untrained: Scores | None = None
    rows: list[Scores] = field(default_factory=list)
    memory_bytes: int = 0

    @classmethod
    def of(cls, stages: Sequence[Stage]) -> _Watch:
        return cls([(TensorSamples.of(stage.population.test), stage) for stage in stages])

    def seen(self, federation: Federation, record: RoundRecord) -> RoundRecord:
        """The record with the score on every stage, without what is of the present one alone."""
        scores = [
            score(measures(federation.outputs(test), test, stage.tasks))
            for test, stage in self.tests
        ]
        if self.untrained is None:
            self.untrained = np.array(scores)
        # Means over the clients of the present stage say something else in every stage.
        kept = {name: value for name, value in record.metrics.items() if not over_clients(name)}
        found = {f"score.on_stage@{number}": value for number, value in enumerate(scores, 1)}
        return replace(record, metrics={**kept, **found})

    def note_memory(self, size: int) -> None:
        self.memory_bytes = max(self.memory_bytes, size)

    def note_stage(self, record: RoundRecord) -> None:
        """Keep a row of the matrix."""
        numbers = range(1, len(self.tests) + 1)
        self.rows.append(np.array([record.metrics[f"score.on_stage@{n}"] for n in numbers]))

    def summary(self, says: Sequence[str]) -> Mapping[str, float]:
        """What the whole matrix says, of the numbers asked for."""
        matrix = np.array(self.rows)
        assert self.untrained is not None
        found = {
            "continual_score": average(matrix),
            "learning_score": learning_score(matrix),
            "backward_transfer": backward_transfer(matrix),
            "forward_transfer": forward_transfer(matrix, self.untrained),
            "forgetting": forgetting(matrix),
        }
        return {n: v for n, v in found.items() if n in says} | {
            "memory_bytes": float(self.memory_bytes)
        }


def _labels(stage: Stage, task: str) -> NDArray[np.int64]:
    """(samples,) the classes of a task that are trained in a stage."""
    own = [client.train.targets.get(task) for client in stage.population.clients]
    return np.concatenate([labels for labels in own if labels is not None])
