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
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from qfl.federation.engine import (
    Assignment,
    LocalTraining,
    Trained,
    local_loss,
    train,
)
from qfl.federation.losses import Parameters
from qfl.federation.population import TensorSamples
from qfl.federation.remedies import dimmed, draw_kept
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
        carried: what the algorithm laid beside its model, name -> tensor.
    """

    state: State
    samples: TensorSamples
    rng: np.random.Generator
    carried: Mapping[str, Tensor] = field(default_factory=dict)


def train_together(
    model: Architecture,
    trainees: Sequence[Trainee],
    *,
    assignment: Assignment,
    workers: int = 1,
) -> list[Trained]:
    """Return what each of `trainees` ends the round with, in their order; see `engine.train`.

    Args:
        model: the architecture that all of them hold.
        trainees: at least one.
        assignment: what all of them are asked to do.
        workers: threads that share the stacks; each should run torch on one thread, because
            threads that wait for each other inside every operation spin.
    """
    size = assignment.training.batch_size
    steps = [-(-len(trainee.samples) // size) for trainee in trainees]
    longest_first = sorted(range(len(trainees)), key=lambda i: -steps[i])
    stacks = [longest_first[at : at + STACK] for at in range(0, len(trainees), STACK)]

    def finish(stack: list[int]) -> list[Trained]:
        own = copy.deepcopy(model) if workers > 1 else model  # functional_call swaps its weights
        cohort = [trainees[i] for i in stack]
        if len(cohort) > 1:
            return _trained(own, cohort, assignment)
        [one] = cohort
        return [
            train(
                own,
                one.state,
                one.samples,
                assignment=assignment,
                rng=one.rng,
                carried=one.carried,
            )
        ]

    if workers == 1:
        finished = [finish(stack) for stack in stacks]
    else:
        with ThreadPoolExecutor(workers) as pool:
            finished = list(pool.map(finish, stacks))
    done = [one for stack in finished for one in stack]
    places = {i: place for place, i in enumerate(longest_first)}
    return [done[places[i]] for i in range(len(trainees))]


def _trained(
    model: Architecture, cohort: Sequence[Trainee], assignment: Assignment
) -> list[Trained]:
    """What the clients of one stack end with; those with the most steps come first."""
    training = assignment.training
    reference = _stacked([model.flatten(trainee.state) for trainee in cohort])
    carried = _stacked([trainee.carried for trainee in cohort])
    moving = {name: reference[name].clone() for name in assignment.moving(model)}
    fixed = {name: tensor for name, tensor in reference.items() if name not in moving}
    optimiser = training.steps_on(list(moving.values()))
    totals = {task.name: torch.zeros(len(cohort)) for task in assignment.tasks}
    finished: list[dict[str, Tensor]] = []
    for batch in _batches(cohort, training):
        active = len(batch.weights)
        while len(cohort) - len(finished) > active:
            finished.append(_taken(moving, len(cohort) - len(finished) - 1))
        losses = _descend(model, {**fixed, **moving}, reference, carried, batch, assignment)
        _clip(list(moving.values()), training.clip_norm)
        optimiser.step()
        for name, loss in losses.items():
            totals[name][:active] += loss * batch.rows_counted
    while len(finished) < len(cohort):
        finished.append(_taken(moving, len(cohort) - len(finished) - 1))
    seen = [training.epochs * len(trainee.samples) for trainee in cohort]
    each = training.passes(len(cohort[0].samples.inputs))
    return [
        Trained(
            state=model.unflatten({**_taken(fixed, i), **weights}),
            losses={name: float(total[i]) / seen[i] for name, total in totals.items()},
            operations=model.training_operations(each * len(cohort[i].samples)),
            steps=training.epochs * -(-len(cohort[i].samples) // training.batch_size),
        )
        for i, weights in enumerate(reversed(finished))
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


def _descend(
    model: Architecture,
    weights: dict[str, Tensor],
    reference: dict[str, Tensor],
    carried: dict[str, Tensor],
    batch: _Batch,
    assignment: Assignment,
) -> dict[str, Tensor]:
    """Set the gradients of the weights; return task -> losses (clients,) of those who train.

    Clients that have finished get a gradient of zero; what the optimiser still does to them is
    not looked at.
    """
    active, samples = len(batch.weights), batch.samples

    def losses_of(
        parameters: Parameters,
        start: Parameters,
        beside: Mapping[str, Tensor],
        parts: tuple[Mapping[str, Tensor], ...],
        shares: Tensor,
    ) -> tuple[dict[str, Tensor], Tensor]:
        return local_loss(
            model,
            parameters,
            start,
            TensorSamples(*parts),
            assignment=assignment,
            carried=beside,
            weights=shares,
        )

    moving = [tensor for name, tensor in weights.items() if tensor is not reference[name]]
    for tensor in moving:
        tensor.requires_grad_()
    losses, total = vmap(losses_of)(
        {name: tensor[:active] for name, tensor in weights.items()},
        {name: tensor[:active] for name, tensor in reference.items()},
        {name: tensor[:active] for name, tensor in carried.items()},
        (samples.inputs, samples.targets, samples.available, samples.labelled),
        batch.weights,
    )
    for tensor, gradient in zip(moving, torch.autograd.grad(total.sum(), moving), strict=True):
        tensor.grad = gradient
    return {name: loss.detach() for name, loss in losses.items()}


def _clip(weights: Sequence[Tensor], bound: float) -> None:
    """Scale every client's gradient down to at most this Euclidean norm."""
    if math.isinf(bound):
        return
    gradients = [tensor.grad for tensor in weights if tensor.grad is not None]
    squares = [gradient.flatten(1).square().sum(1) for gradient in gradients]
    scale = (bound / (torch.stack(squares).sum(0).sqrt() + 1e-12)).clamp(max=1.0)
    for gradient in gradients:
        gradient *= scale.view(-1, *[1] * (gradient.dim() - 1))


def _taken(weights: Mapping[str, Tensor], place: int) -> dict[str, Tensor]:
    """One client's tensors out of a stack."""
    return {name: tensor[place].detach().clone() for name, tensor in weights.items()}


def _stacked(flat: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([one[name] for one in flat]) for name in flat[0]}


def _batches(cohort: Sequence[Trainee], training: LocalTraining) -> Iterator[_Batch]:
    """Yield the steps of all clients side by side, for as long as anybody trains."""
    starts = np.cumsum([0, *(len(trainee.samples) for trainee in cohort)])
    everything = TensorSamples.joined([trainee.samples for trainee in cohort])
    plans = [_plan(trainee, training) for trainee in cohort]
    for step in range(len(plans[0])):
        taken = [plan[step] for plan in plans if step < len(plan)]
        sizes = np.array([len(own) for own, _ in taken])
        index = np.zeros((len(taken), sizes.max()), dtype=np.int64)
        kept = np.ones((*index.shape, len(everything.inputs)), dtype=np.float32)
        for place, (own, shown) in enumerate(taken):
            index[place, : len(own)] = starts[place] + own
            kept[place, : len(own)] = 1.0 if shown is None else shown
        weights = (np.arange(index.shape[1]) < sizes[:, None]) / sizes[:, None]
        batch = everything.take(torch.from_numpy(index))
        yield _Batch(
            batch if taken[0][1] is None else dimmed(batch, torch.from_numpy(kept)),
            torch.from_numpy(weights.astype(np.float32)),
            torch.from_numpy(sizes.astype(np.float32)),
        )


def _plan(
    trainee: Trainee, training: LocalTraining
) -> list[tuple[NDArray[np.int64], NDArray[np.float32] | None]]:
    """Return the rows of each of a client's steps, and what is shown of them if not everything."""
    plan = []
    for _ in range(training.epochs):
        order = trainee.rng.permutation(len(trainee.samples))
        kept = draw_kept(trainee.samples, training.modality_dropout, trainee.rng)
        for start in range(0, len(order), training.batch_size):
            rows = order[start : start + training.batch_size]
            plan.append((rows, None if kept is None else kept[rows]))
    return plan
