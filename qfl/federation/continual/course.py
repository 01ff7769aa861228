"""A federation that goes through a stream, and what it knows of every stage on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.federation.continual.remembering import Tie, Way
from qfl.federation.continual.streams import Stage, Stream
from qfl.federation.continual.transfer import (
    average,
    backward_transfer,
    forgetting,
    forward_transfer,
)
from qfl.federation.evaluate import measures, score
from qfl.federation.population import Population, TensorSamples
from qfl.federation.round import Federation
from qfl.federation.steps.standing import Standing
from qfl.federation.unlearning.systems import Found, Founding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Journey:
    """One federation, one stream, one way through it.

    Attributes:
        way: how it remembers.
        stream: what changes.
        population: who takes part, with the samples of all stages.
        found: founds the federation of a stage.
        rounds: of all stages together; each has as many.
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

        The last record of every stage holds the score on each ("score.on_stage@2"), the very
        last one what follows from all of them.

        Raises:
            ConfigError: the rounds cannot be divided among the stages.
        """
        stages = self.stream.divided(self.population, self.streams)
        each, left = divmod(self.rounds, len(stages))
        if left or not each:
            raise ConfigError(
                f"{self.rounds} rounds cannot be divided among {len(stages)} stages; take a "
                "multiple"
            )
        standing: Standing | None = None
        tie: Tie | None = None
        untrained, matrix = np.zeros(len(stages)), np.zeros((len(stages),) * 2)
        for at in range(len(stages)):
            founding = Founding(run=f"/stage-{at + 1}", standing=standing, algorithm=tie)
            federation = self.found(self.way.population(stages, at, self.streams), founding)
            if not at:
                untrained = _scores(federation, stages)
                yield federation.record(0)
            yield from federation.train(at * each + 1, (at + 1) * each - 1)
            [last] = federation.train((at + 1) * each, (at + 1) * each)
            matrix[at] = _scores(federation, stages)
            found = {f"score.on_stage@{j + 1}": float(s) for j, s in enumerate(matrix[at])}
            if at == len(stages) - 1:
                found |= _summary(matrix, untrained)
            yield replace(last, metrics={**last.metrics, **found})
            standing, tie = federation.standing(), self.way.tie(federation, tie)


def _scores(federation: Federation, stages: tuple[Stage, ...]) -> NDArray[np.float64]:
    """(stages,) the score of the global model on the test samples of every stage."""
    found = []
    for stage in stages:
        test = TensorSamples.of(stage.population.test)
        found.append(score(measures(federation.outputs(test), test, stage.tasks)))
    return np.array(found)


def _summary(matrix: NDArray[np.float64], untrained: NDArray[np.float64]) -> dict[str, float]:
    return {
        "continual_score": average(matrix),
        "backward_transfer": backward_transfer(matrix),
        "forward_transfer": forward_transfer(matrix, untrained),
        "forgetting": forgetting(matrix),
    }
