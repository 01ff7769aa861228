"""A federation that goes through a stream, and what it knows of every stage on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.metrics import over_clients
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.data.heterogeneity import label_heterogeneity
from qfl.federation.continual.clients import OwnScores, at_home, handed_on, with_absent
from qfl.federation.continual.rounds import ends
from qfl.federation.continual.stages import Itinerary, Stage
from qfl.federation.continual.stock import size_bytes
from qfl.federation.continual.streams import Stream
from qfl.federation.continual.transfer import what_it_says
from qfl.federation.continual.ways import Memento, Way
from qfl.federation.deciding.holdings import declared
from qfl.federation.deciding.sampling import evaluated, stated
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
        evaluated_clients: most clients that are evaluated; of more a panel is drawn, once for all
            stages.
        streams: of the cell.
    """

    way: Way
    stream: Stream
    population: Population
    found: Found
    rounds: int
    evaluated_clients: int
    streams: Streams

    def play(self) -> Iterator[RoundRecord]:
        """Yield the record of the untrained model, then that of every round.

        Its metrics are those on the test samples of all stages together; "score.on_stage@2" is the
        score on those of the second stage alone. Where clients keep modules at home, nobody uses
        the server's model and it has no such score. Before training and after every stage each
        client is scored too, on its own samples of the stages. The very last record holds what
        follows from these scores, as far as the way gives them a meaning.

        Raises:
            ConfigError: the rounds cannot be divided among the stages.
        """
        last_rounds = ends(self.rounds, self.stream.stages, self.stream.rounds)
        stages = self.stream.divided(self.population, self.streams)
        itinerary = Itinerary(self.population, stages, self.streams)
        panel = self._panel()
        watch = _Watch.of(stages, panel)
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
                panel=panel,
            )
            federation = self.found(replace(present, test=everything), founding)
            if not at:
                record = watch.seen(federation, federation.record(0), None)
                record = watch.note_stage(federation, record, None)
                facts = self._registered(federation, stages) | self._facts(stages)
                yield self._untrained(replace(record, facts=facts), stages)
            watch.note_memory(extra + (memento.size_bytes if memento else 0))
            first = last_rounds[at - 1] + 1 if at else 1
            for record in federation.train(first, last - 1):
                yield watch.seen(federation, record, standing)
            [record] = federation.train(last, last)
            record = watch.seen(federation, record, standing)
            record = watch.note_stage(federation, record, standing)
            if at == len(stages) - 1:
                yield replace(record, metrics={**record.metrics, **watch.summary(self.way.says)})
                return
            memento = self.way.remember(federation, memento, at)
            yield replace(
                record, costs=record.costs + memento.costs, links=(*record.links, *memento.links)
            )
            if not self.way.afresh:
                standing = handed_on(federation, standing)

    def _untrained(self, record: RoundRecord, stages: Sequence[Stage]) -> RoundRecord:
        """The first record, which states what is known of all stages and not of the first alone."""
        taught = {t.name for s in stages for c in s.population.clients for t in c.tasks}
        return replace(
            record,
            holdings=declared(self.population.clients),
            excluded={name: why for name, why in record.excluded.items() if name not in taught},
        )

    def _panel(self) -> tuple[int, ...]:
        """The numbers of those who are evaluated in all stages, drawn as in a federation of all."""
        places = evaluated(self.population, self.evaluated_clients, self.streams)
        return tuple(self.population.numbers[place] for place in places)

    def _registered(self, first: Federation, stages: Sequence[Stage]) -> dict[str, float]:
        """What is stated of all clients of the stream; pools are drawn from those of a stage."""
        most = first.policies.weights.candidates
        largest = max(len(p.clients) for p in (first.population, *(s.population for s in stages)))
        pool = most if most < largest else len(self.population.clients)
        return stated(self.population, self.evaluated_clients, pool)

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
        clients: what every client knows of its own samples of the stages.
        rows: (stages,) scores before any training, then at the end of each stage so far; empty if
            nobody uses the server's model.
        memory_bytes: the most that all clients together kept of other stages.
    """

    tests: list[tuple[TensorSamples, Stage]]
    clients: OwnScores
    rows: list[Scores] = field(default_factory=list)
    memory_bytes: int = 0

    @classmethod
    def of(cls, stages: Sequence[Stage], panel: Collection[int]) -> _Watch:
        tests = [(TensorSamples.of(stage.population.test), stage) for stage in stages]
        return cls(tests, OwnScores(stages, panel))

    def seen(
        self, federation: Federation, record: RoundRecord, earlier: Standing | None
    ) -> RoundRecord:
        """The record with the score on every stage, without what is of the present one alone, and
        with the age of what clients keep who sit it out."""
        # Means over the clients of the present stage say something else in every stage.
        metrics = {name: value for name, value in record.metrics.items() if not over_clients(name)}
        if not at_home(federation):
            for number, (test, stage) in enumerate(self.tests, 1):
                found = measures(federation.outputs(test), test, stage.tasks)
                metrics[f"score.on_stage@{number}"] = score(found)
        staleness = with_absent(record, federation, earlier)
        return replace(record, metrics=metrics, staleness=staleness)

    def note_memory(self, size: int) -> None:
        self.memory_bytes = max(self.memory_bytes, size)

    def note_stage(
        self, federation: Federation, record: RoundRecord, earlier: Standing | None
    ) -> RoundRecord:
        """Keep a row of every matrix; the record tells those of the clients."""
        if not at_home(federation):
            numbers = range(1, len(self.tests) + 1)
            self.rows.append(np.array([record.metrics[f"score.on_stage@{n}"] for n in numbers]))
        self.clients.note(federation, earlier)
        return self.clients.told(record)

    def summary(self, says: Sequence[str]) -> Mapping[str, float]:
        """What the whole matrices say, of the numbers asked for."""
        found: dict[str, float] = {}
        if self.rows:
            untrained, *rows = self.rows
            found = what_it_says(np.array(rows), untrained)
        return (
            {name: value for name, value in found.items() if name in says}
            | self.clients.summary(says)
            | {"memory_bytes": float(self.memory_bytes)}
        )


def _labels(stage: Stage, task: str) -> NDArray[np.int64]:
    """(samples,) the classes of a task that are trained in a stage."""
    own = [client.train.targets.get(task) for client in stage.population.clients]
    return np.concatenate([labels for labels in own if labels is not None])
