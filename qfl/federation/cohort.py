"""Local training of many clients at once: one stack of models, one computation per step.

Clients with the same modules and tasks form a cohort. Their parameters are stacked on a leading
axis and the model runs under `torch.func.vmap`. Every client keeps its own batches, its own last
short batch and its own number of steps: rows that pad a short batch weigh nothing, and a client
that has finished leaves the stack. The numbers are those of `engine.train` up to the order of
floating-point sums, and the same bits for any number of workers: stacks are cut at fixed places.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from qfl.core.tasks import Task
from qfl.federation.engine import (
    LocalObjective,
    LocalTraining,
    Parameters,
    Trained,
    local_loss,
    train,
)
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State

STACK = 10
"""Clients per stack: enough to share each operation's overhead, few enough for the caches."""


@dataclass(frozen=True, eq=False)
class Trainee:
    """One client of a cohort.

    Attributes:
        state: what it downloaded; left untouched.
        samples: its training samples.
        rng: orders its batches.
    """

    state: State
    samples: TensorSamples
    rng: np.random.Generator


def train_together(
    model: Architecture,
    trainees: Sequence[Trainee],
    *,
    tasks: tuple[Task, ...],
    training: LocalTraining,
    objective: LocalObjective,
    workers: int = 1,
) -> list[Trained]:
    """Return what each of `trainees` ends the round with, in their order; see `engine.train`.

    Args:
        model: the architecture that all of them hold.
        trainees: at least one.
        tasks: the tasks that all of them are asked.
        training: epochs, batch size, step size.
        objective: the algorithm's additional client-side term.
        workers: threads that share the stacks; each should run torch on one thread, because
            threads that wait for each other inside every operation spin.
    """
    steps = [-(-len(trainee.samples) // training.batch_size) for trainee in trainees]
    longest_first = sorted(range(len(trainees)), key=lambda i: -steps[i])
    stacks = [longest_first[at : at + STACK] for at in range(0, len(trainees), STACK)]

    def finish(stack: list[int]) -> list[Trained]:
        if len(stack) == 1:
            return [_alone(model, trainees[stack[0]], tasks, training, objective)]
        step = _Step(copy.deepcopy(model), tasks, training, objective)
        return _trained(step, [trainees[i] for i in stack])

    with ThreadPoolExecutor(workers) as pool:
        done = [one for stack in pool.map(finish, stacks) for one in stack]
    places = {i: place for place, i in enumerate(longest_first)}
    return [done[places[i]] for i in range(len(trainees))]


def _alone(
    model: Architecture,
    trainee: Trainee,
    tasks: tuple[Task, ...],
    training: LocalTraining,
    objective: LocalObjective,
) -> Trained:
    return train(
        model,
        trainee.state,
        trainee.samples,
        tasks=tasks,
        training=training,
        objective=objective,
        rng=trainee.rng,
    )


def _trained(step: _Step, cohort: Sequence[Trainee]) -> list[Trained]:
    """What the clients of one stack end with; those with the most steps come first."""
    model, epochs = step.model, step.training.epochs
    reference = _stacked([model.flatten(trainee.state) for trainee in cohort])
    weights = {name: tensor.clone() for name, tensor in reference.items()}
    totals = {task.name: torch.zeros(len(cohort)) for task in step.tasks}
    for batch in _batches(cohort, step.training):
        losses = step.take(weights, reference, batch)
        for name, loss in losses.items():
            totals[name][: len(loss)] += loss * batch.rows_counted
    passes = [epochs * len(trainee.samples) for trainee in cohort]
    return [
        Trained(
            state=model.unflatten({name: tensor[i].clone() for name, tensor in weights.items()}),
            losses={name: float(total[i]) / passes[i] for name, total in totals.items()},
            operations=model.training_operations(passes[i]),
        )
        for i in range(len(cohort))
    ]


@dataclass(frozen=True, eq=False)
class _Batch:
    """One step's samples of the clients that still train.

    Attributes:
        samples: inputs and targets, (clients, rows, ...).
        weights: (clients, rows) one over the client's batch size; 0 for a row that only pads.
        rows_counted: (clients,) batch sizes.
    """

    samples: TensorSamples
    weights: Tensor
    rows_counted: Tensor


@dataclass(frozen=True, eq=False)
class _Step:
    """A gradient step of all clients that still train."""

    model: Architecture
    tasks: tuple[Task, ...]
    training: LocalTraining
    objective: LocalObjective

    def take(
        self, weights: dict[str, Tensor], reference: dict[str, Tensor], batch: _Batch
    ) -> dict[str, Tensor]:
        """Move the weights of the first clients in place; return task -> losses (clients,)."""
        active = len(batch.weights)
        moving = {name: tensor[:active].detach() for name, tensor in weights.items()}
        start = {name: tensor[:active] for name, tensor in reference.items()}
        for tensor in moving.values():
            tensor.requires_grad_()
        samples = batch.samples
        losses, total = vmap(self._losses)(
            moving, start, samples.inputs, samples.targets, batch.weights
        )
        gradients = torch.autograd.grad(total.sum(), list(moving.values()))
        rates = self._rates(gradients)
        with torch.no_grad():
            for tensor, gradient in zip(moving.values(), gradients, strict=True):
                tensor.addcmul_(rates.view(-1, *[1] * (tensor.dim() - 1)), gradient, value=-1.0)
        return {name: loss.detach() for name, loss in losses.items()}

    def _rates(self, gradients: Sequence[Tensor]) -> Tensor:
        """The step size of every client (clients,), smaller where its gradient is clipped."""
        rate, clip = self.training.learning_rate, self.training.clip_norm
        if math.isinf(clip):
            return torch.full((len(gradients[0]),), rate)
        squares = [gradient.flatten(1).square().sum(1) for gradient in gradients]
        norms = torch.stack(squares).sum(0).sqrt()
        return rate * (clip / (norms + 1e-12)).clamp(max=1.0)

    def _losses(
        self,
        parameters: Parameters,
        reference: Parameters,
        inputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        weights: Tensor,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One client's task losses, and what it minimises."""
        return local_loss(
            self.model,
            parameters,
            reference,
            TensorSamples(inputs, targets),
            tasks=self.tasks,
            objective=self.objective,
            weights=weights,
        )


def _stacked(flat: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([one[name] for one in flat]) for name in flat[0]}


def _batches(cohort: Sequence[Trainee], training: LocalTraining) -> Iterator[_Batch]:
    """Yield the steps of all clients side by side, for as long as anybody trains."""
    counts = [len(trainee.samples) for trainee in cohort]
    starts = np.cumsum([0, *counts[:-1]])
    everything = _concatenated([trainee.samples for trainee in cohort])
    plans = [
        [
            start + rows
            for _ in range(training.epochs)
            for rows in _split(trainee.rng.permutation(count), training.batch_size)
        ]
        for trainee, start, count in zip(cohort, starts, counts, strict=True)
    ]
    for step in range(len(plans[0])):
        rows = [plan[step] for plan in plans if step < len(plan)]
        sizes = np.array([len(own) for own in rows])
        index = np.zeros((len(rows), sizes.max()), dtype=np.int64)
        for place, own in enumerate(rows):
            index[place, : len(own)] = own
        weights = (np.arange(index.shape[1]) < sizes[:, None]) / sizes[:, None]
        yield _Batch(
            everything.take(torch.from_numpy(index)),
            torch.from_numpy(weights.astype(np.float32)),
            torch.from_numpy(sizes.astype(np.float32)),
        )


def _split(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _concatenated(parts: Sequence[TensorSamples]) -> TensorSamples:
    return TensorSamples(
        {name: torch.cat([part.inputs[name] for part in parts]) for name in parts[0].inputs},
        {name: torch.cat([part.targets[name] for part in parts]) for name in parts[0].targets},
    )
