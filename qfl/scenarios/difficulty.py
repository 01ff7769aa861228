"""Is a population worth a study? Pooled data must teach a task, not to the full, and more than a
client's own data do; where one of these fails, no method can show that federating helps.

Two references are trained with the same recipe and settings: one model on what all clients hold
together, as they hold it (what a client lacks stays hidden), and one model per client on its own.
Both answer for the clients' own test samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.population import Client, Population, TensorSamples
from qfl.models.m3t import Architecture, State, architecture, submodel
from qfl.models.pooled import Pooled
from qfl.models.transformer import Transformer

LEAST_GAIN, LEAST_CUT, MOST, LEAST_LEAD = 0.20, 0.20, 0.97, 0.03
"""Accuracy above chance; part of a naive error taken away; best accuracy; lead of pooled data."""


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Scores of a task's references: accuracy of a class, R2 of a number.

    Attributes:
        task: its name.
        kind: classification or regression.
        naive: score of always answering the commonest class, or the mean.
        pooled: score of the model that saw what all clients hold.
        local: score of the clients' own models, every sample counting alike.
    """

    task: str
    kind: str
    naive: float
    pooled: float
    local: float

    @property
    def learnable(self) -> bool:
        """True if pooled data teach the task well: accuracy 20 points above the commonest class,
        or a root mean squared error 20 % below that of the mean."""
        if self.kind == "classification":
            return self.pooled >= self.naive + LEAST_GAIN
        return 1 - np.sqrt(max(0.0, 1 - self.pooled)) >= LEAST_CUT

    @property
    def informative(self) -> bool:
        """True if the task is learnable, not solved, and better learnt together."""
        return not self.objection

    @property
    def objection(self) -> str:
        """Why no method could show anything on this task, "" if one could.

        >>> Difficulty("digit", "classification", 0.1, 0.98, 0.7).objection
        'pooled data solve it (0.980, at most 0.97): make it harder, such as by noise'
        """
        if not self.learnable:
            least = (
                f"at least {self.naive + LEAST_GAIN:.3f}"
                if self.kind == "classification"
                else f"an error {LEAST_CUT:.0%} below that of the mean"
            )
            return f"pooled data do not teach it ({self.pooled:.3f}, {least}): make it easier"
        if self.pooled > MOST:
            return (
                f"pooled data solve it ({self.pooled:.3f}, at most {MOST}): make it harder, such "
                "as by noise"
            )
        if self.pooled - self.local < LEAST_LEAD:
            return (
                f"clients alone do as well ({self.local:.3f} of {self.pooled:.3f}, at least "
                f"{LEAST_LEAD} apart): give each fewer samples, or less alike ones"
            )
        return ""


def difficulty(
    population: Population,
    *,
    recipe: Pooled | Transformer,
    training: LocalTraining,
    streams: Streams,
) -> dict[str, Difficulty]:
    """Return how hard each task of the federation is, on the clients' own test samples.

    Args:
        population: who takes part.
        recipe: how models are built.
        training: of every model; as many epochs as it takes.
        streams: initial weights and batches.
    """
    whole = architecture(population.modalities, population.tasks, recipe)
    start = whole.initial_state(streams)

    def trained(model: Architecture, samples: Samples, tasks: tuple[Task, ...], who: int) -> State:
        return train(
            model,
            submodel(start, model.module_ids),
            TensorSamples.of(samples),
            assignment=Assignment(tasks=tasks, training=training),
            rng=streams("difficulty", who),
        ).state

    together = trained(whole, pooled(population), population.tasks, 0)
    answers: dict[Task, list[_Answers]] = {task: [] for task in population.tasks}
    for index, client in enumerate(population.clients):
        model = architecture(client.modalities, client.tasks, recipe)
        alone = trained(model, client.train, client.tasks, 1 + index)
        mine = _predicted(model, alone, client)
        ours = _predicted(model, submodel(together, model.module_ids), client)
        for task in client.tasks:
            answers[task].append((client.test.targets[task.name], ours[task.name], mine[task.name]))
    return {task.name: _judged(task, found) for task, found in answers.items() if found}


def averaged(found: Sequence[Mapping[str, Difficulty]]) -> dict[str, Difficulty]:
    """Return task -> mean scores over several worlds, of the tasks that all of them have."""
    names = [name for name in found[0] if all(name in each for each in found)]
    return {
        name: Difficulty(
            name,
            found[0][name].kind,
            *(
                float(np.mean([getattr(each[name], part) for each in found]))
                for part in ("naive", "pooled", "local")
            ),
        )
        for name in names
    }


def pooled(population: Population) -> Samples:
    """Return what all clients train on, as they hold it: whatever one of them lacks is hidden."""
    parts = [client.train for client in population.clients]
    inputs = {m.name: _stacked(parts, m.name, "inputs", m.shape) for m in population.modalities}
    targets = {t.name: _stacked(parts, t.name, "targets", ()) for t in population.tasks}
    return Samples(
        np.concatenate([part.ids for part in parts]),
        inputs,
        targets,
        {name: _stacked(parts, name, "available", ()) for name in inputs},
        {name: _stacked(parts, name, "labelled", ()) for name in targets},
    )


_Answers = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""A client's targets, what the pooled model answers, and what the client's own does."""


def _stacked(
    parts: Sequence[Samples], name: str, field: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return one array of all clients, zeros or False where a client has none."""
    mask = field in ("available", "labelled")
    held = {"available": "inputs", "labelled": "targets"}.get(field, field)
    found = [
        getattr(part, field).get(name, np.ones(len(part), np.bool_) if mask else None)
        if name in getattr(part, held)
        else None
        for part in parts
    ]
    kind = next((array.dtype for array in found if array is not None), np.dtype(np.bool_))
    return np.concatenate(
        [
            np.zeros((len(part), *shape), kind) if array is None else array
            for part, array in zip(parts, found, strict=True)
        ]
    )


def _predicted(model: Architecture, state: State, client: Client) -> dict[str, NDArray[Any]]:
    test = TensorSamples.of(client.test)
    with torch.no_grad():
        outputs = model.predict(state, test.inputs, test.available)
    return {
        task.name: outputs[task.name].argmax(1).numpy()
        if task.kind == "classification"
        else outputs[task.name].squeeze(-1).double().numpy()
        for task in client.tasks
    }


def _judged(task: Task, answers: Sequence[_Answers]) -> Difficulty:
    target, ours, mine = (np.concatenate(part) for part in zip(*answers, strict=True))
    if task.kind == "classification":
        naive = np.bincount(target).max() / len(target)
        scores = [float((answer == target).mean()) for answer in (ours, mine)]
    else:
        naive, spread = 0.0, float(target.astype(np.float64).var())
        scores = [1 - float(np.square(answer - target).mean()) / spread for answer in (ours, mine)]
    return Difficulty(task.name, task.kind, float(naive), *scores)
