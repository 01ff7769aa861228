"""Seasons that show samples otherwise: noisier, brighter, turned, or without a modality.

Every sample of a client is met in one season; all seasons are tested on all test samples, as each
shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.data.shifts import Shift, feature_shift
from qfl.federation.continual.stages import Stage, having, staged, turn
from qfl.federation.population import Client, Population

Show = Callable[[Samples, int, int], Samples]
"""Samples, the number of who holds them, and the season -> what the season makes of them."""


def by_shift(
    population: Population, *, kind: Shift, stages: int, strength: float, streams: Streams
) -> tuple[Stage, ...]:
    """Return seasons that shift every input more and more.

    Raises:
        ConfigError: pictures are to be turned, and no modality is a square one.
    """
    if kind == "rotation" and not any(_turns(m.shape) for m in population.modalities):
        raise ConfigError("no modality is a square picture, so nothing can be turned")

    def shown(samples: Samples, number: int, at: int) -> Samples:
        parts = [np.zeros(0, np.intp)] * stages
        parts[at] = np.arange(len(samples))
        inputs = {}
        for name, array in samples.inputs.items():
            if kind == "rotation" and not _turns(array.shape[1:]):
                inputs[name] = array
                continue
            # A season has one gain for everybody; noise is drawn for each anew.
            own = () if kind == "gain" else (number, at)
            rng = streams(f"stream/{name}", *own)
            inputs[name] = feature_shift(array, parts, kind=kind, strength=strength, rng=rng)
        return replace(samples, inputs=inputs)

    return _seasons(population, stages, shown, streams)


def by_modality(
    population: Population, *, stages: int, share: float, streams: Streams
) -> tuple[Stage, ...]:
    """Return seasons that lack one modality each, in turn.

    A sample that has nothing else is not met in that season.

    Args:
        population: with two modalities or more.
        stages: how many.
        share: of the samples lack it.
        streams: of the cell.

    Raises:
        ConfigError: there is one modality only.
    """
    names = [modality.name for modality in population.modalities]
    if len(names) < 2:
        raise ConfigError(
            f"{names[0]} is the only modality and cannot be missing; take another kind of stream, "
            "or a scenario with two modalities or more"
        )

    def shown(samples: Samples, number: int, at: int) -> Samples:
        name = names[at % len(names)]
        if name not in samples.inputs:
            return samples
        lost = streams("stream/missing", number, at).random(len(samples)) < share
        seen = {other: samples.available.get(other) for other in samples.inputs}
        masks = {n: np.ones(len(samples), np.bool_) if m is None else m for n, m in seen.items()}
        masks[name] = masks[name] & ~lost
        met = np.any(list(masks.values()), axis=0)
        kept = samples.available.keys() | {name}
        rows, own = np.flatnonzero(met), {n: masks[n] for n in samples.inputs if n in kept}
        return replace(samples.take(rows), available={n: mask[rows] for n, mask in own.items()})

    return _seasons(population, stages, shown, streams)


def _seasons(
    population: Population, stages: int, shown: Show, streams: Streams
) -> tuple[Stage, ...]:
    def of(at: int) -> Stage:
        def season(samples: Samples, number: int) -> Samples:
            return shown(turn(samples, at, stages, number=number, streams=streams), number, at)

        def part(client: Client, number: int) -> Client | None:
            return having(client, season(client.train, number), season(client.test, number))

        test = shown(population.test, len(population.clients), at)
        return staged(population, at + 1, population.tasks, part=part, test=test)

    return tuple(of(at) for at in range(stages))


def _turns(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 2 and shape[0] == shape[1]
