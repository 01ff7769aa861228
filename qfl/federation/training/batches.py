"""The batches of a stack of clients, side by side.

Every client keeps its own order, its own last short batch and its own number of steps. Rows that
pad a short batch weigh nothing, and a client that has finished is in no further batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.federation.engine import LocalTraining
from qfl.federation.population import TensorSamples
from qfl.federation.training.remedies import dimmed, draw_kept

AHEAD = 16
"""Steps whose samples are fetched at once: one operation instead of one per step."""


@dataclass(frozen=True, slots=True, eq=False)
class StackBatch:
    """One step's samples of the clients that still train.

    Attributes:
        samples: inputs and targets, (clients x rows, ...), client after client.
        weights: (clients, rows) one over the client's batch size; 0 for a row that only pads.
        rows_counted: (clients,) batch sizes.
    """

    samples: TensorSamples
    weights: Tensor
    rows_counted: Tensor

    def labels(self, task: str) -> Tensor:
        """Return (clients,) how many of the rows that count have the label of a task."""
        known = self.samples.labelled.get(task)
        if known is None:
            return self.rows_counted
        return ((self.weights > 0) * known.reshape(self.weights.shape)).sum(-1)


def batches(
    samples: Sequence[TensorSamples],
    rngs: Sequence[np.random.Generator],
    *,
    training: LocalTraining,
    device: str = "cpu",
) -> Iterator[StackBatch]:
    """Yield the steps of all clients side by side, for as long as anybody trains.

    Args:
        samples: of every client, those with the most steps first.
        rngs: order the batches of every client.
        training: epochs, batch size, modality dropout.
        device: where the batches are wanted, as torch names it.

    >>> mine = TensorSamples({"x": torch.arange(3.0)}, {"y": torch.arange(3)})
    >>> training = LocalTraining(epochs=1, batch_size=2)
    >>> rngs = [np.random.default_rng(seed) for seed in range(2)]
    >>> [len(batch.samples) for batch in batches([mine, mine], rngs, training=training)]
    [4, 2]
    """
    plan = _Plan.of(samples, rngs, training)
    everything = TensorSamples.joined(samples).to(device)
    for part in plan.parts():
        steps, clients, width = part.rows.shape
        fetched = everything.take(torch.from_numpy(part.rows.reshape(-1)).to(device))
        if part.kept is not None:
            kept = torch.from_numpy(part.kept.reshape(steps * clients * width, -1))
            fetched = dimmed(fetched, kept.to(device))
        weights = (np.arange(width) < part.sizes[..., None]) / part.sizes[..., None]
        yield from map(
            StackBatch,
            fetched.cut(steps),
            torch.from_numpy(weights).to(device).unbind(),
            torch.from_numpy(part.sizes).to(device).unbind(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What the clients of a stack do in each step.

    Attributes:
        rows: (steps, clients, rows) int64 among the samples of all; rows that pad are those of the
            client's first sample.
        sizes: (steps, clients) float32 how many of them count; 0 for a client that has finished.
        kept: (steps, clients, rows, modalities) 1 for what is shown; None shows everything.
    """

    rows: NDArray[np.int64]
    sizes: NDArray[np.float32]
    kept: NDArray[np.float32] | None

    @classmethod
    def of(
        cls,
        samples: Sequence[TensorSamples],
        rngs: Sequence[np.random.Generator],
        training: LocalTraining,
    ) -> _Plan:
        """Draw the orders and what is shown, client after client, epoch after epoch."""
        counts = np.array([len(own) for own in samples])
        width = min(training.batch_size, int(counts.max()))
        each = -(-counts // width)
        shape = (int(each[0]) * training.epochs, len(samples), width)
        rows = np.zeros(shape, np.int64) + (counts.cumsum() - counts)[:, None]
        sizes, kept = np.zeros(shape[:2], np.float32), None
        for client, (own, rng) in enumerate(zip(samples, rngs, strict=True)):
            n, steps = int(counts[client]), int(each[client])
            for first in range(0, steps * training.epochs, steps):
                order = np.zeros(steps * width, np.int64)
                order[:n] = rng.permutation(n)
                place = slice(first, first + steps), client
                rows[place] += order.reshape(steps, width)
                sizes[place] = np.minimum(width, n - width * np.arange(steps))
                shown = draw_kept(own, training.modality_dropout, rng)
                if shown is not None:
                    kept = np.ones((*shape, shown.shape[1]), np.float32) if kept is None else kept
                    kept[place] = shown[order].reshape(steps, width, -1)
        return cls(rows, sizes, kept)

    def parts(self) -> Iterator[_Plan]:
        """Yield the plan in parts: at most `AHEAD` steps of the same clients, whose longest batch
        is the same."""
        clients = (self.sizes > 0).sum(1)
        widths = self.sizes.max(1).astype(np.int64)
        changes = np.flatnonzero((np.diff(clients) != 0) | (np.diff(widths) != 0)) + 1
        for begin, end in pairwise([0, *changes.tolist(), len(clients)]):
            k, width = clients[begin], widths[begin]
            for first in range(begin, end, AHEAD):
                steps = slice(first, min(first + AHEAD, end))
                kept = None if self.kept is None else self.kept[steps, :k, :width]
                yield _Plan(self.rows[steps, :k, :width], self.sizes[steps, :k], kept)
