"""What a model loses on a batch, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.models.heads import sample_losses, weighed
from qfl.models.m3t import Architecture
from qfl.models.notes import Notes

_TINY = 1e-12

Parameters = Mapping[str, Tensor]
"""Name -> tensor, as `Architecture.flatten` names them."""


class Pass(NamedTuple):
    """One forward pass of a batch.

    Attributes:
        outputs: task -> outputs of the model.
        each: task -> loss of each sample, (n,), or (K, n) for a stack.
        losses: task -> mean loss, 0-d, or (K,) for a stack.
        notes: what the pass left behind.
    """

    outputs: Mapping[str, Tensor]
    each: dict[str, Tensor]
    losses: dict[str, Tensor]
    notes: Notes

    @property
    def total(self) -> Tensor:
        """The sum of the task losses, those with a learned variance weighed by it."""
        return weighed(self.losses, self.notes.log_variances)


def run(
    model: Architecture,
    parameters: Parameters,
    batch: TensorSamples,
    tasks: tuple[Task, ...],
    weights: Tensor | None,
) -> Pass:
    """Return a forward pass. The loss of a task is the mean over the samples that have its label,
    0 if none has.

    Args:
        model: the architecture.
        parameters: its weights.
        batch: n samples, or K n, client after client.
        tasks: those to answer for.
        weights: (n,) of the samples, summing to one; None weighs them equally; (K, n) for a stack.
    """
    notes = Notes(weights=weights, by_value=model.stackable)  # others run under vmap
    if weights is not None and weights.dim() > 1:
        notes.clients = len(weights)
    outputs = model.run(parameters, batch.inputs, batch.available, notes)
    each = {
        t.name: notes.by_client(sample_losses(t, outputs[t.name], batch.targets[t.name]))
        for t in tasks
    }
    losses = {n: mean(loss, weights, batch.labelled.get(n)) for n, loss in each.items()}
    return Pass(outputs, each, losses, notes)


def labels(samples: TensorSamples, task: str) -> float:
    """Return how many samples have the label of a task."""
    known = samples.labelled.get(task)
    return len(samples) if known is None else float(known.sum())


def reported(totals: Mapping[str, float], samples: TensorSamples, passes: int) -> dict[str, float]:
    """Return task -> mean loss of the samples that have its label, left out where none has.

    Args:
        totals: task -> sum of those losses over all passes.
        samples: what was passed over.
        passes: how often.
    """
    seen = {name: passes * labels(samples, name) for name in totals}
    return {name: total / seen[name] for name, total in totals.items() if seen[name]}


def mean(each: Tensor, weights: Tensor | None, known: Tensor | None) -> Tensor:
    """Return the mean of the numbers of the samples that count and are known, 0 if none is.

    Args:
        each: (n,) numbers, or (K, n) for a stack.
        weights: likewise, summing to one; None weighs them equally.
        known: (n,) or (K n,), 1 or 0; None knows all.
    """
    if known is None:
        return each.mean(-1) if weights is None else (weights * each).sum(-1)
    shares = known.reshape(each.shape) if weights is None else weights * known.reshape(each.shape)
    return (shares * each).sum(-1) / shares.sum(-1).clamp(min=_TINY)
