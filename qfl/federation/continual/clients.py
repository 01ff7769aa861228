"""What every client knows of every stage: a matrix of scores of its own, and what all say together.

A client is scored with the model that it uses, its own version of modules that stay at home or its
personal model included, on its own test samples of each stage in which it takes part: after every
stage, those that it sits out too. These may be a handful, whose own variance says little: R2 is one
minus the mean squared error over the variance of the target in the stage's test samples, which the
server's model is measured on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.events import Staleness
from qfl.core.metrics import metric
from qfl.core.record import RoundRecord
from qfl.core.tasks import Task
from qfl.federation.continual.stages import Stage
from qfl.federation.continual.transfer import what_it_says
from qfl.federation.evaluate import (
    PERSONAL,
    WORST,
    Variances,
    evaluate,
    score,
    scored,
    variances_of,
)
from qfl.federation.population import TensorSamples
from qfl.federation.round import Federation
from qfl.federation.steps.standing import Standing
from qfl.models.m3t import State

Scores = NDArray[np.float64]
"""(stages,) of one client; NaN for stages of which it has nothing that could be scored."""
_OF_THE_WORST = ("continual_score", "forgetting")


class OwnScores:
    """The matrices of clients, row by row.

    Args:
        stages: of the stream.
        panel: numbers of the clients that are evaluated.
    """

    def __init__(self, stages: Sequence[Stage], panel: Collection[int]) -> None:
        self._count = len(stages)
        self._variances: list[Variances] = []
        self._tests: dict[str, dict[int, tuple[TensorSamples, tuple[Task, ...]]]] = {}
        for at, stage in enumerate(stages):
            pooled = TensorSamples.of(stage.population.test)
            self._variances.append(variances_of(pooled, stage.tasks))
            members = zip(stage.population.clients, stage.population.numbers, strict=True)
            for client in (each for each, number in members if number in panel):
                asked = tuple(task for task in stage.tasks if task in client.tasks)
                own = self._tests.setdefault(client.name, {})
                own[at] = TensorSamples.of(client.test), asked
        self._rows: list[dict[str, Scores]] = []

    def note(self, federation: Federation, earlier: Standing | None) -> None:
        """Add a row: the scores before any training, then those after each stage.

        Args:
            federation: of the present stage.
            earlier: what it continues; None if it began with fresh weights.
        """
        now = handed_on(federation, earlier)
        self._rows.append(
            {
                name: self._scores(
                    name,
                    federation,
                    {**now.state, **now.kept.get(name, {}), **now.own.get(name, {})},
                )
                for name in self._tests
            }
        )

    def told(self, record: RoundRecord) -> RoundRecord:
        """Return the record with the last row: "score.on_stage@2" of every client that has it."""
        found = dict(record.client_metrics)
        for name, scores in self._rows[-1].items():
            numbers = {
                f"score.on_stage@{at + 1}": float(value)
                for at, value in enumerate(scores)
                if not math.isnan(value)
            }
            found[name] = {**found.get(name, {}), **numbers}
        return replace(record, client_metrics=found)

    def summary(self, says: Sequence[str]) -> dict[str, float]:
        """Return the mean over clients of the numbers asked for, the worst client of some, and how
        unequally clients forget. Clients count alike, of whom a number can be said."""
        of_clients = [self._says(name) for name in self._tests]
        found: dict[str, float] = {}
        for name in says:
            values = [own[name] for own in of_clients if not math.isnan(own[name])]
            if not values:
                continue
            found[f"{name}@{PERSONAL}"] = float(np.mean(values))
            if name in _OF_THE_WORST:
                worst = min if metric(name).higher_is_better else max
                found[f"{name}@{WORST}"] = worst(values)
            if name == "forgetting":
                found["forgetting_spread"] = float(np.std(values))
        return found

    def _says(self, name: str) -> dict[str, float]:
        """What the matrix of one client says."""
        untrained, *rows = (row[name] for row in self._rows)
        matrix, own = np.array(rows), np.flatnonzero(~np.isnan(untrained)).tolist()
        return what_it_says(matrix, untrained, stages=own)

    def _scores(self, name: str, federation: Federation, state: State) -> Scores:
        scores = np.full(self._count, np.nan)
        for at, (test, tasks) in self._tests[name].items():
            variances = self._variances[at]
            found = evaluate(federation.model, state, test, tasks, variances=variances)
            if scored(found):
                scores[at] = score(found)
        return scores


def at_home(federation: Federation) -> bool:
    """Return whether clients keep modules, so that none of them uses the server's model."""
    exchange = federation.exchange
    return any(exchange[m].placement == "local" for m in federation.model.module_ids)


def handed_on(federation: Federation, earlier: Standing | None) -> Standing:
    """Return what the next stage continues from: clients who sit out the present one, or lack a
    module in it, still have what they had.

    Args:
        federation: of the present stage.
        earlier: what that continued.
    """
    now = federation.standing()
    if earlier is None:
        return now
    return replace(
        now,
        kept=_together(earlier.kept, now.kept),
        own=_together(earlier.own, now.own),
        changed={**earlier.changed, **now.changed},
    )


def with_absent(
    record: RoundRecord, federation: Federation, earlier: Standing | None
) -> Staleness | None:
    """Return the ages of a record, with those of what clients keep who sit out the stage.

    Args:
        record: of a round of the stage.
        federation: of the stage.
        earlier: what it continued.
    """
    here = {client.name for client in federation.population.clients}
    kept = earlier.changed.items() if earlier else ()
    absent = Counter(str(record.round - last) for name, last in kept if name not in here)
    if not absent:
        return record.staleness
    known = record.staleness or Staleness({})
    homes = Counter(known.homes) + absent
    return replace(known, homes={age: homes[age] for age in sorted(homes, key=int)})


def _together(earlier: Mapping[str, State], now: Mapping[str, State]) -> dict[str, State]:
    names = dict.fromkeys([*earlier, *now])
    return {name: {**earlier.get(name, {}), **now.get(name, {})} for name in names}
