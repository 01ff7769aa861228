"""A federation that is asked to forget: train, forget, examine what is left, go on.

The record of the round of forgetting holds the model afterwards, what forgetting cost, and the
numbers of the examination. Training the models that it is examined against is on nobody's bill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

from qfl.core.errors import ConfigError
from qfl.core.record import Costs, RoundRecord
from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.federation.engine import Assignment, LocalTraining
from qfl.federation.evaluate import Predict
from qfl.federation.plan import Schedule
from qfl.federation.population import Population, TensorSamples
from qfl.federation.unlearning import verification
from qfl.federation.unlearning.relearning import losses_of, relearn_steps
from qfl.federation.unlearning.requests import Erasure, Request, Subject, erase
from qfl.federation.unlearning.systems import (
    Forgotten,
    Found,
    System,
    Unlearner,
    apart,
    spent,
)
from qfl.models.m3t import architecture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """One federation, one request, one way to forget.

    Attributes:
        unlearner: the way.
        request: what is forgotten, and when.
        population: who takes part at first.
        found: founds federations of some of them.
        schedule: rounds, and how the model is built.
        training: how clients train; relearning trains alike.
        streams: of the cell.
    """

    unlearner: Unlearner
    request: Request
    population: Population
    found: Found
    schedule: Schedule
    training: LocalTraining
    streams: Streams

    def play(self) -> Iterator[RoundRecord]:
        """Yield the record of the untrained model, then that of every round.

        Raises:
            ConfigError: the request makes no sense for this federation; nobody has trained yet.
        """
        when = self.request.round or self.schedule.rounds
        if not 2 <= when <= self.schedule.rounds:
            raise ConfigError(
                f"round {when} of {self.schedule.rounds} is for forgetting; allowed: 2 to "
                f"{self.schedule.rounds}, so that there is something to forget"
            )
        erasure = erase(self.population, self.request)
        system = self.unlearner.begin(self.found, self.population)
        untrained = system.record(0)
        yield replace(untrained, facts={**untrained.facts, **_facts(erasure)})
        yield from system.train(1, when - 1)
        subject = max(erasure.subjects, key=lambda one: len(one.before.train))
        known = self._loss(system, erasure, subject)
        started = perf_counter()
        forgotten = self.unlearner.forget(system, erasure, found=self.found, played=when - 1)
        seconds = perf_counter() - started
        system = forgotten.system
        record = system.record(when)
        steps = self._relearn(system, erasure, subject, known)
        yield replace(
            record,
            metrics={**record.metrics, **self._examine(forgotten, erasure, when), **steps},
            costs=forgotten.costs,
            left_out=erasure.gone(self.population, self.schedule.recipe),
            timings=replace(record.timings, total_seconds=record.timings.total_seconds + seconds),
        )
        del erasure, subject, forgotten
        yield from system.train(when + 1, self.schedule.rounds)

    def _examine(self, forgotten: Forgotten, erasure: Erasure, when: int) -> dict[str, float]:
        """The numbers of the examination, by their names in `qfl.core.metrics`."""
        after, rest = forgotten.system.outputs, erasure.rest
        retrained, price = self._retrained(erasure, when)
        others = [
            self._retrained(erasure, when, Streams(self.streams.integer("retraining", i)))[0]
            for i in range(self.request.retrainings)
        ]
        tasks = rest.tasks
        test = TensorSamples.of(rest.test)
        seen = [_asked(one.seen, one) for one in erasure.subjects if one.seen is not None]
        unseen = [_asked(one.unseen, one) for one in erasure.subjects if one.unseen is not None]
        retained = [(TensorSamples.of(client.train), client.tasks) for client in rest.clients]
        divergence = verification.divergence(retrained, after, test, tasks)
        usual = verification.spread([retrained, *others], test, tasks)
        found = {
            "forget_gap": verification.gap(after, retrained, seen),
            "retain_gap": verification.gap(after, retrained, retained),
            "test_gap": verification.gap(after, retrained, [(test, tasks)]),
            "output_divergence": divergence,
            "retraining_distance": divergence / usual if usual else None,
            "membership_auc": verification.membership(after, others, seen, unseen),
            "forgetting_cost": forgotten.costs.training_operations / price.training_operations,
            "stored_bytes": float(forgotten.stored_bytes),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _retrained(
        self, erasure: Erasure, when: int, streams: Streams | None = None
    ) -> tuple[Predict, Costs]:
        """The same system, trained without what is forgotten, and what that cost."""
        found = apart(self.found, run="/reference", streams=streams)
        system = self.unlearner.begin(found, erasure.rest)
        costs = spent(system.train(1, when - 1))
        return system.outputs, costs

    def _loss(self, system: System, erasure: Erasure, subject: Subject) -> float:
        """How well the system knows what it is about to forget."""
        samples, tasks = TensorSamples.of(subject.before.train), erasure.tasks(subject)
        return float(losses_of(system.outputs(samples), samples, tasks).mean())

    def _relearn(
        self, system: System, erasure: Erasure, subject: Subject, known: float
    ) -> dict[str, float]:
        """The steps until the client that had most of it knows it as well as before."""
        start = system.model_for(subject.number)
        if start is None:
            return {}
        client = subject.before
        model = architecture(client.modalities, client.tasks, self.schedule.recipe)
        fresh = model.initial_state(self.streams)
        steps = relearn_steps(
            model,
            {module: start[1].get(module, tensors) for module, tensors in fresh.items()},
            TensorSamples.of(client.train),
            assignment=Assignment(tasks=erasure.tasks(subject), training=self.training),
            threshold=known,
            rng=self.streams("relearning"),
        )
        return {"relearn_steps": float(steps)}


def _asked(samples: Samples, subject: Subject) -> verification.Asked:
    return TensorSamples.of(samples), tuple(
        task for task in subject.before.tasks if task.name in samples.targets
    )


def _facts(erasure: Erasure) -> dict[str, float]:
    """What the report states about the request."""
    seen = sum(len(one.seen) for one in erasure.subjects if one.seen is not None)
    unseen = sum(len(one.unseen) for one in erasure.subjects if one.unseen is not None)
    return {
        "erased_clients": float(len(erasure.left)),
        "erased_samples": float(seen),
        "never_seen_samples": float(unseen),
    }
