"""How good a model is: plain numbers per task, on any samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor

from qfl.core.metrics import OF_SCORES
from qfl.core.tasks import Modality, Task
from qfl.data.coverage import Held
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State

_MEASURES = {"classification": ("accuracy",), "regression": ("mae", "r2")}
PERSONAL, WORST = "personal", "worst client"
"""Behind "@": the mean over the clients, each with the model it uses on its own test split, every
client counting alike; and the worst of them."""
SCORE = "score"
"""The mean over tasks of accuracy or R2."""


def metric_names(tasks: Sequence[Task], modalities: Sequence[Modality]) -> tuple[str, ...]:
    """Return the names of all metrics that a record of these tasks holds.

    >>> metric_names([Task("slant", "regression", 1)], [Modality("image", (8, 8))])[:3]
    ('slant.mae', 'slant.r2', 'slant.r2@personal')
    """
    joint = [(task.name, measure) for task in tasks for measure in _MEASURES[task.kind]]
    shown = map(_spelt, shown_subsets([m.name for m in modalities]))
    parts = [
        f"{task}.{measure}@{part}"
        for part in (*shown, PERSONAL, WORST)
        for task, measure in joint
        if measure in OF_SCORES
    ]
    scores = (SCORE, *(f"{SCORE}@{part}" for part in (PERSONAL, WORST)))
    return (*(f"{task}.{measure}" for task, measure in joint), *parts, *scores)


def shown_subsets(modalities: Sequence[str]) -> list[Held]:
    """Return what is shown besides everything: every subset of up to three modalities; of more,
    each one alone and all but each one.

    >>> shown_subsets(["a", "b"]), len(shown_subsets("abc")), len(shown_subsets("abcd"))
    ([('a',), ('b',)], 6, 8)
    """
    count = len(modalities)
    sizes = range(1, count) if count <= 3 else (1, count - 1)
    return [part for size in sizes for part in combinations(modalities, size)]


def _spelt(part: Held) -> str:
    return "+".join(part)


def over_clients(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over clients, and the worst client, of each accuracy, R2 and score.

    The mean of the score is taken over tasks, of each task's mean over the clients that have it.

    >>> over_clients([{"digit.accuracy": 0.5}, {"digit.accuracy": 1.0}])["digit.accuracy@personal"]
    0.75
    """
    clients = [
        {name: value for name, value in metrics.items() if _measure(name) in OF_SCORES}
        for metrics in found
    ]
    values: dict[str, list[float]] = {}
    for metrics in clients:
        for name, value in metrics.items():
            values.setdefault(name, []).append(value)
    means = {name: _average(each) for name, each in values.items()}
    scores = {f"{SCORE}@{PERSONAL}": score(means)} if means else {}
    if own := [score(metrics) for metrics in clients if metrics]:
        scores[f"{SCORE}@{WORST}"] = min(own)
    return {
        **{f"{name}@{PERSONAL}": mean for name, mean in means.items()},
        **{f"{name}@{WORST}": min(each) for name, each in values.items()},
        **scores,
    }


def score(metrics: Mapping[str, float]) -> float:
    """Return the mean over tasks of accuracy or R2, whatever else `metrics` holds beside these.

    >>> score({"digit.accuracy": 0.5, "slant.r2": 0.3, "slant.mae": 9.0})
    0.4
    """
    return _average([v for name, v in metrics.items() if _measure(name) in OF_SCORES])


def scored(metrics: Iterable[str]) -> bool:
    """Return whether there is anything to score."""
    return any(_measure(name) in OF_SCORES for name in metrics)


def _measure(name: str) -> str:
    return name.rpartition(".")[2]


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


Variances = Mapping[str, float]
"""Task -> variance of its target."""
Predict = Callable[[TensorSamples], Mapping[str, Tensor]]
"""Samples -> task -> outputs, of whatever answers."""


def evaluate(
    model: Architecture,
    state: State,
    samples: TensorSamples,
    tasks: tuple[Task, ...],
    *,
    variances: Variances | None = None,
) -> dict[str, float]:
    """Return the `measures` of a model with all modalities that each sample has."""
    return measures(predictor(model, state)(samples), samples, tasks, variances=variances)


def evaluate_by_modality(
    model: Architecture, state: State, samples: TensorSamples, tasks: tuple[Task, ...]
) -> dict[str, float]:
    """Return the `measures_by_modality` of a model."""
    return measures_by_modality(predictor(model, state), samples, tasks)


def predictor(model: Architecture, state: State) -> Predict:
    """Return what answers with this model, without gradients."""

    def predict(samples: TensorSamples) -> dict[str, Tensor]:
        with torch.no_grad():
            return model.predict(state, samples.inputs, samples.available)

    return predict


def variances_of(samples: TensorSamples, tasks: Iterable[Task]) -> dict[str, float]:
    """Return task -> variance of its target among the samples that have it, of those that ask for
    numbers; 0 where none has."""
    asked = (task for task in tasks if task.kind == "regression")
    return {
        task.name: _variance(_known(samples.targets[task.name], task, samples)) for task in asked
    }


def measures(
    outputs: Mapping[str, Tensor],
    samples: TensorSamples,
    tasks: Iterable[Task],
    *,
    variances: Variances | None = None,
) -> dict[str, float]:
    """Return "task.metric" -> value.

    A task is measured on the samples that have its label, and left out if none has or nothing
    answers for it.
    Classification gives `accuracy` in 0..1; regression gives `mae` in the unit of the target and
    `r2`, one minus squared error over variance (left out where the targets do not vary).

    Args:
        outputs: task -> outputs.
        samples: n samples.
        tasks: those to measure.
        variances: task -> that of its target, see `variances_of`; None: that of these samples,
            which says little if they are few.
    """
    metrics: dict[str, float] = {}
    for task in tasks:
        if task.name not in outputs:
            continue
        values = outputs[task.name], samples.targets[task.name]
        output, target = (_known(each, task, samples) for each in values)
        if not len(target):
            continue
        if task.kind == "classification":
            metrics[f"{task.name}.accuracy"] = float((output.argmax(1) == target).double().mean())
        else:
            spread = _variance(target) if variances is None else variances[task.name]
            metrics |= _regression(task.name, output.squeeze(-1), target, spread)
    return metrics


def measures_by_modality(
    predict: Predict, samples: TensorSamples, tasks: Sequence[Task]
) -> dict[str, float]:
    """Return the metrics with all modalities, and accuracy and R2 with fewer of them shown as
    "task.metric@image" or "task.metric@image+audio": the joint numbers hide what the model leans
    on. A subset is measured on the samples that have all of it."""
    metrics = measures(predict(samples), samples, tasks)
    if scored(metrics):
        metrics[SCORE] = score(metrics)
    for part in shown_subsets(tuple(samples.inputs)):
        shown = _only(samples, part)
        if not len(shown):
            continue
        for metric, value in measures(predict(shown), shown, tasks).items():
            if _measure(metric) in OF_SCORES:
                metrics[f"{metric}@{_spelt(part)}"] = value
    return metrics


def _only(samples: TensorSamples, part: Held) -> TensorSamples:
    """Return the samples that have all these modalities, with them alone."""
    inputs = {name: samples.inputs[name] for name in part}
    shown = TensorSamples(inputs, samples.targets, {}, samples.labelled)
    masks = [samples.available[name] for name in part if name in samples.available]
    if not masks:
        return shown
    return shown.take(torch.stack(masks).min(0).values.nonzero().squeeze(1))


def _known(values: Tensor, task: Task, samples: TensorSamples) -> Tensor:
    """Of values, those of samples that have the label."""
    mask = samples.labelled.get(task.name)
    return values if mask is None else values[mask > 0]


def _variance(target: Tensor) -> float:
    return float((target.double() - target.double().mean()).square().mean()) if len(target) else 0.0


def _regression(name: str, output: Tensor, target: Tensor, spread: float) -> Mapping[str, float]:
    error = (output - target).double()
    metrics = {f"{name}.mae": float(error.abs().mean())}
    if spread > 0:
        metrics[f"{name}.r2"] = 1.0 - float(error.square().mean()) / spread
    return metrics
