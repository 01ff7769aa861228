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
from torch.nn.functional import cross_entropy, mse_loss

from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State

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


def task_losses(
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    tasks: tuple[Task, ...],
    weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return task -> mean loss: cross entropy in nats for classes, squared error for numbers.

    Args:
        outputs: task -> what the model says of n samples.
        targets: task -> what is true.
        tasks: those to answer for.
        weights: (n,) of the samples, summing to one; None weighs them equally.
    """
    return {
        task.name: _loss(task, outputs[task.name], targets[task.name], weights) for task in tasks
    }


def _loss(task: Task, output: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    reduction = "mean" if weights is None else "none"
    if task.kind == "classification":
        loss = cross_entropy(output, target, reduction=reduction)
    else:
        loss = mse_loss(output.squeeze(-1), target, reduction=reduction)
    return loss if weights is None else weights @ loss


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
            outputs = functional_call(model, parameters, (batch.inputs,), tie_weights=False)
            losses = task_losses(outputs, batch.targets, tasks)
            loss = torch.stack(list(losses.values())).sum()
            term = objective(parameters, reference)
            _step(weights, loss if term is None else loss + term, training)
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
