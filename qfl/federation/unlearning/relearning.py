"""How fast what was forgotten comes back: traces that are left make it faster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from qfl.core.tasks import Task
from qfl.federation.engine import Assignment, train
from qfl.federation.evaluate import predictor
from qfl.federation.population import TensorSamples
from qfl.models.heads import sample_losses
from qfl.models.m3t import Architecture, State

MOST_STEPS = 200
"""Steps after which relearning is given up."""


def relearn_steps(
    model: Architecture,
    state: State,
    samples: TensorSamples,
    *,
    assignment: Assignment,
    threshold: float,
    rng: np.random.Generator,
) -> int:
    """Return the steps of training on `samples` until their mean loss is at most `threshold`.

    Args:
        model, state: where it starts.
        samples: what was forgotten.
        assignment: tasks, batch size and step size; passes are ignored.
        threshold: mean over the samples of the sum of the task losses, in their unit.
        rng: orders the batches.

    Returns:
        0 if the loss is there at once, `MOST_STEPS` if it does not get there.
    """
    for steps, batch in enumerate(_batches(samples, assignment.training.batch_size, rng)):
        losses = losses_of(predictor(model, state)(samples), samples, assignment.tasks)
        if steps == MOST_STEPS or float(losses.mean()) <= threshold:
            return steps
        state = train(model, state, batch, assignment=assignment, rng=rng).state
    return MOST_STEPS


def losses_of(
    outputs: Mapping[str, torch.Tensor], samples: TensorSamples, tasks: tuple[Task, ...]
) -> torch.Tensor:
    """Return (n,) the loss of each sample, summed over the tasks of which it has the label."""
    total = torch.zeros(len(samples))
    for task in tasks:
        each = sample_losses(task, outputs[task.name], samples.targets[task.name])
        total = total + each * samples.labelled.get(task.name, 1.0)
    return total


def _batches(
    samples: TensorSamples, size: int, rng: np.random.Generator
) -> Iterator[TensorSamples]:
    """Yield batches for ever, every sample once per pass."""
    while True:
        for rows in torch.split(torch.from_numpy(rng.permutation(len(samples))), size):
            yield samples.take(rows)
