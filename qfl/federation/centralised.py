"""Centralised training: clients send their samples once, the server trains one model on all.

The upper baseline, and what a federation is there to avoid. A client that is chosen for the first
time sends its raw samples, sealed like any update and on the bill; choose everybody in every round
to have all of them from the start. Then the server trains: a round is as many passes over the pool
as a client would make over its own. Its computing is on nobody's bill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qfl.core.update import Update
from qfl.federation.engine import Assignment, Step, Trained, train
from qfl.federation.exchange import from_arrays
from qfl.federation.population import TensorSamples
from qfl.federation.world import Participant, World
from qfl.models.m3t import State

_SAMPLES = "samples@"
"""What a client's samples are called in an envelope; its index follows."""
_PARTS = ("inputs", "targets", "available", "labelled")


@dataclass(frozen=True, slots=True)
class Centralised:
    """One model on the pooled samples; no options."""

    def start(self, world: World) -> Pool:
        """Return the empty pool of one federation."""
        return Pool(world)


class Pool:
    """A server that collects samples and trains.

    Args:
        world: who takes part and how to train.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._rounds = 0
        self._samples: dict[str, TensorSamples] = {}

    def pack(self, participant: Participant, offered: State) -> State | None:
        """Return an empty state: only the samples are wanted; None once they are here."""
        return None if _name(participant) in self._samples else {}

    def carried(self, participant: Participant, received: State) -> Mapping[str, Tensor]:
        """Return nothing."""
        return {}

    def answer(self, participant: Participant, received: State, trained: Trained | None) -> State:
        """Return the client's training samples as tensors of one name."""
        samples = participant.train
        parts = zip(
            _PARTS,
            (samples.inputs, samples.targets, samples.available, samples.labelled),
            strict=True,
        )
        tensors = {f"{part}.{name}": x for part, table in parts for name, x in table.items()}
        return {_name(participant): tensors}

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the modules after training on everything that has arrived so far."""
        self._rounds += 1
        for update in updates:
            for name, tensors in from_arrays(update.modules).items():
                self._samples[name] = _samples(tensors)
        if not self._samples:
            return state
        world = self._world
        samples = pooled([self._samples[name] for name in sorted(self._samples)])
        known = {task.name: task for client in world.participants.clients for task in client.tasks}
        return train(
            world.model,
            state,
            samples,
            assignment=Assignment(
                tasks=tuple(known[name] for name in world.model.tasks if name in samples.targets),
                training=world.training,
                exchange=world.exchange,
            ),
            rng=world.streams("batches/server", self._rounds),
        ).state


def pooled(parts: Sequence[TensorSamples]) -> TensorSamples:
    """Return all samples behind each other; what some of them lack is zero there and masked."""
    inputs = {name: x for part in parts for name, x in part.inputs.items()}
    targets = {name: x for part in parts for name, x in part.targets.items()}
    return TensorSamples.joined(
        [
            TensorSamples(
                _filled(part.inputs, inputs, len(part)),
                _filled(part.targets, targets, len(part)),
                _masks(part.available, part.inputs, inputs, len(part)),
                _masks(part.labelled, part.targets, targets, len(part)),
            )
            for part in parts
        ]
    )


def _filled(own: Mapping[str, Tensor], like: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
    return {name: own.get(name, x.new_zeros(n, *x.shape[1:])) for name, x in like.items()}


def _masks(
    masks: Mapping[str, Tensor], own: Mapping[str, Tensor], names: Mapping[str, Tensor], n: int
) -> dict[str, Tensor]:
    """Return the masks, and one of zeros for everything that is not there at all."""
    return {**masks, **{name: torch.zeros(n) for name in names if name not in own}}


def _name(participant: Participant) -> str:
    return f"{_SAMPLES}{participant.index:05d}"


def _samples(tensors: Mapping[str, Tensor]) -> TensorSamples:
    """Return the samples that came as tensors of one name."""
    tables: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
    for key, tensor in tensors.items():
        part, _, name = key.partition(".")
        tables[part][name] = tensor
    return TensorSamples(*tables.values())
