"""How good a model is: plain numbers per task, on any samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from qfl.core.tasks import Modality, Task
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State

_MEASURES = {"classification": ("accuracy",), "regression": ("mae", "r2")}
_BY_MODALITY = ("accuracy", "r2")


def metric_names(tasks: Sequence[Task], modalities: Sequence[Modality]) -> tuple[str, ...]:
    """Return the names of all metrics that a record of these tasks holds.

    >>> metric_names([Task("slant", "regression", 1)], [Modality("image", (8, 8))])
    ('slant.mae', 'slant.r2', 'slant.r2@image')
    """
    joint = [(task.name, measure) for task in tasks for measure in _MEASURES[task.kind]]
    alone = [
        f"{task}.{measure}@{modality.name}"
        for modality in modalities
        for task, measure in joint
        if measure in _BY_MODALITY
    ]
    return (*(f"{task}.{measure}" for task, measure in joint), *alone)


def evaluate(
    model: Architecture, state: State, samples: TensorSamples, tasks: tuple[Task, ...]
) -> dict[str, float]:
    """Return "task.metric" -> value with all modalities of `samples` present.

    Classification gives `accuracy` in 0..1; regression gives `mae` in the unit of the target and
    `r2`, one minus squared error over variance (left out where the targets do not vary).
    """
    with torch.no_grad():
        outputs = model.predict(state, samples.inputs)
    metrics: dict[str, float] = {}
    for task in tasks:
        target = samples.targets[task.name]
        if task.kind == "classification":
            hits = outputs[task.name].argmax(1) == target
            metrics[f"{task.name}.accuracy"] = float(hits.double().mean())
        else:
            metrics |= _regression(task.name, outputs[task.name].squeeze(-1), target)
    return metrics


def evaluate_by_modality(
    model: Architecture, state: State, samples: TensorSamples, tasks: tuple[Task, ...]
) -> dict[str, float]:
    """Return the metrics with all modalities, and accuracy and R2 with each one shown alone as
    "task.metric@modality": the joint numbers hide which modality the model leans on."""
    metrics = evaluate(model, state, samples, tasks)
    for name, tensor in samples.inputs.items():
        alone = TensorSamples({name: tensor}, samples.targets)
        for metric, value in evaluate(model, state, alone, tasks).items():
            if metric.rpartition(".")[2] in _BY_MODALITY:
                metrics[f"{metric}@{name}"] = value
    return metrics


def _regression(name: str, output: Tensor, target: Tensor) -> Mapping[str, float]:
    error = (output - target).double()
    metrics = {f"{name}.mae": float(error.abs().mean())}
    spread = float((target.double() - target.double().mean()).square().mean())
    if spread > 0:
        metrics[f"{name}.r2"] = 1.0 - float(error.square().mean()) / spread
    return metrics
