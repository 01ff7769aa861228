"""Local training: what happens at a client between download and upload.

One torch thread per process is assumed: the models are small, and two threads that spin on a busy
machine were measured to be 10 to 40 times slower than one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.models.heads import sample_losses, weighed
from qfl.models.m3t import Architecture, State
from qfl.models.notes import Notes

BALANCE = 0.01
"""Weight of the load-balancing term of routed experts (Fedus et al. 2021, arXiv:2101.03961)."""

Parameters = Mapping[str, Tensor]
LocalObjective = Callable[[Parameters, Parameters], Tensor | None]
"""(current parameters, downloaded parameters) -> a term added to the task losses, or None."""


@dataclass(frozen=True, slots=True)
class LocalTraining:
    """Plain minibatch SGD at a client.

    Attributes:
        epochs: passes over the client's training samples per round.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: step size.
        clip_norm: a step's gradient is scaled down to at most this Euclidean norm; inf never is.
    """

    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 0.1
    clip_norm: float = 1.0


@dataclass(frozen=True, eq=False)
class Trained:
    """What a client ends a round with.

    Attributes:
        state: its modules after training.
        losses: task -> mean loss over the round's steps.
        operations: floating-point operations the training took.
    """

    state: State
    losses: Mapping[str, float]
    operations: float


def local_loss(
    model: Architecture,
    parameters: Parameters,
    reference: Parameters,
    batch: TensorSamples,
    *,
    tasks: tuple[Task, ...],
    objective: LocalObjective,
    weights: Tensor | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """Return task -> mean loss of a batch, and what a client minimises.

    That is the sum of the task losses, those with a learned variance weighed by it, plus the
    load-balancing terms of routed experts and the algorithm's own term.

    Args:
        model: the client's architecture.
        parameters: its present weights.
        reference: what it downloaded.
        batch: n samples.
        tasks: those to answer for.
        objective: the algorithm's term.
        weights: (n,) of the samples, summing to one; None weighs them equally.
    """
    notes = Notes()
    arguments = (batch.inputs, None, notes)
    outputs = functional_call(model, dict(parameters), arguments, tie_weights=False)
    losses = {}
    for task in tasks:
        each = sample_losses(task, outputs[task.name], batch.targets[task.name])
        losses[task.name] = each.mean() if weights is None else weights @ each
    total = weighed(losses, notes.log_variances)
    if notes.balance:
        total = total + BALANCE * torch.stack(notes.balance).sum()
    term = objective(parameters, reference)
    return losses, total if term is None else total + term


def train(
    model: Architecture,
    state: State,
    samples: TensorSamples,
    *,
    tasks: tuple[Task, ...],
    training: LocalTraining,
    objective: LocalObjective,
    rng: np.random.Generator,
) -> Trained:
    """Return the modules of `state` after local SGD on the sum of the task losses.

    Args:
        model: the client's architecture.
        state: what it downloaded; left untouched.
        samples: its training samples.
        tasks: the tasks it is asked.
        training: epochs, batch size, step size.
        objective: the algorithm's additional client-side term.
        rng: orders the batches.
    """
    reference = model.flatten(state)
    sizes = [tensor.numel() for tensor in reference.values()]
    weights = torch.cat([tensor.flatten() for tensor in reference.values()]).requires_grad_()
    totals = {task.name: 0.0 for task in tasks}
    n = len(samples)
    for _ in range(training.epochs):
        order = torch.from_numpy(rng.permutation(n))
        for rows in torch.split(order, training.batch_size):
            parameters = _shaped(torch.split(weights, sizes), reference)
            batch = samples.take(rows)
            losses, loss = local_loss(
                model, parameters, reference, batch, tasks=tasks, objective=objective
            )
            _step(weights, loss, training)
            for name, value in losses.items():
                totals[name] += float(value.detach()) * len(rows)
    return Trained(
        state=model.unflatten(_shaped(torch.split(weights.detach(), sizes), reference)),
        losses={name: total / (n * training.epochs) for name, total in totals.items()},
        operations=model.training_operations(n * training.epochs),
    )


def _shaped(pieces: Sequence[Tensor], reference: Parameters) -> dict[str, Tensor]:
    """Cut one vector of all weights into tensors of the shapes of `reference`."""
    return {
        name: piece.view(tensor.shape)
        for piece, (name, tensor) in zip(pieces, reference.items(), strict=True)
    }


def _step(weights: Tensor, loss: Tensor, training: LocalTraining) -> None:
    """Move the weights one clipped gradient step downhill, in place."""
    (gradient,) = torch.autograd.grad(loss, weights)
    scale = training.learning_rate * min(1.0, training.clip_norm / (float(gradient.norm()) + 1e-12))
    with torch.no_grad():
        weights -= scale * gradient
