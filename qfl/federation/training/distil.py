"""Distillation: a student is pulled to what a teacher answers, by the kind of each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from qfl.core.tasks import Task
from qfl.federation.engine import Step
from qfl.models.heads import NO_TAG
from qfl.models.m3t import Architecture
from qfl.models.notes import Notes


@dataclass(frozen=True, slots=True)
class Distillation:
    """A local objective: the sum over tasks of the weighted distance to the teacher's answers.

    The teacher's weights are what the algorithm carries beside the model, by parameter name.

    Attributes:
        model: the architecture of teacher and student.
        tasks: those to be taught.
        weight: of every task.
        temperature: of classes and tags.
    """

    model: Architecture
    tasks: tuple[Task, ...]
    weight: float
    temperature: float = 1.0

    def __call__(self, step: Step) -> Tensor:
        """Return the weighted distance, 0-d."""
        batch, teacher = step.batch, {name: x.detach() for name, x in step.carried.items()}
        taught: Mapping[str, Tensor] = functional_call(
            self.model, teacher, (batch.inputs, batch.available, Notes()), tie_weights=False
        )
        total = torch.zeros(())
        for task in self.tasks:
            each = distances(
                task,
                step.outputs[task.name],
                taught[task.name],
                targets=batch.targets[task.name],
                temperature=self.temperature,
            )
            total = total + (each.mean() if step.weights is None else step.weights @ each)
        return self.weight * total


def distances(
    task: Task, student: Tensor, teacher: Tensor, *, targets: Tensor, temperature: float = 1.0
) -> Tensor:
    """Return how far the student's answers are from the teacher's, (B,).

    Classes: T^2 KL(teacher || student) of the softened distributions. Tags: its mean over the
    positions that have a tag. Numbers: the mean squared difference.

    Args:
        task: whose answers these are.
        student, teacher: (B, outputs), or (B, positions, outputs) for tags.
        targets: of the task; they only say which positions have a tag.
        temperature: T.

    Reference: Hinton, Vinyals, Dean 2015 (arXiv:1503.02531), section 2.

    >>> task = Task("digit", "classification", 2)
    >>> same = torch.tensor([[0.0, 1.0]])
    >>> float(distances(task, same, same, targets=torch.tensor([0])))
    0.0
    """
    if task.kind in ("regression", "forecast"):
        return (student - teacher).square().flatten(1).mean(1)
    wanted = (teacher / temperature).log_softmax(-1)
    found = (student / temperature).log_softmax(-1)
    divergence = temperature**2 * (wanted.exp() * (wanted - found)).sum(-1)
    if task.kind == "classification":
        return divergence
    tagged = (targets != NO_TAG).to(divergence.dtype)
    return (divergence * tagged).sum(1) / tagged.sum(1).clamp(min=1.0)
