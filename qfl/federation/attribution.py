"""What modalities, modules and experts are worth to a trained model.

A modality is worth its Shapley value: its share of what all of them add to knowing nothing, which
is the majority class of a classification and the mean of a regression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import comb, log

import numpy as np
import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.tasks import Task
from qfl.federation.evaluate import Predict, measures, score, scored
from qfl.federation.population import TensorSamples
from qfl.federation.training.losses import run
from qfl.models.keys import ModuleKey
from qfl.models.m3t import Architecture, State

MOST_MODALITIES = 8
"""2^M evaluations are made of a model with M modalities."""
MOST_SAMPLES = 512
"""Samples that a value is measured on."""

Values = Mapping[frozenset[str], float]
"""What every set of players is worth together."""


def shapley(values: Values, players: Sequence[str]) -> dict[str, float]:
    """Return the value of each player; they add up to that of all less that of none.

    Args:
        values: of every subset of `players`.
        players: at most `MOST_MODALITIES`.

    Raises:
        ConfigError: there are too many players.

    Reference: Shapley, "A value for n-person games", 1953.

    >>> both = frozenset("ab")
    >>> worth = {frozenset(): 0.0, frozenset("a"): 1.0, frozenset("b"): 2.0, both: 5.0}
    >>> shapley(worth, "ab")
    {'a': 2.0, 'b': 3.0}
    """
    count = len(players)
    if count > MOST_MODALITIES:
        raise ConfigError(
            f"{count} modalities take 2^{count} evaluations; at most {MOST_MODALITIES} are allowed"
        )
    found = {}
    for player in players:
        others = [one for one in players if one != player]
        found[player] = sum(
            (values[frozenset(part) | {player}] - values[frozenset(part)])
            / (count * comb(count - 1, size))
            for size in range(count)
            for part in combinations(others, size)
        )
    return found


def cooperation(values: Values, players: Sequence[str]) -> float:
    """Return what all are worth beyond the sum of each alone, all counted from nothing.

    Negative where players tell the same.

    >>> both = frozenset("ab")
    >>> worth = {frozenset(): 0.0, frozenset("a"): 1.0, frozenset("b"): 2.0, both: 5.0}
    >>> cooperation(worth, "ab")
    2.0
    """
    nothing = values[frozenset()]
    alone = sum(values[frozenset({player})] - nothing for player in players)
    return values[frozenset(players)] - nothing - alone


def worth(
    predict: Predict, samples: TensorSamples, task: Task, modalities: Sequence[str]
) -> dict[frozenset[str], float]:
    """Return the score of a task with every subset of the modalities shown, less that of knowing
    nothing; {} if the task has none.

    Args:
        predict: what answers.
        samples: that have all of the modalities.
        task: asked about.
        modalities: names.
    """
    nothing = _nothing(samples, task)
    found = {frozenset[str](): 0.0}
    for size in range(1, len(modalities) + 1):
        for part in combinations(modalities, size):
            inputs = {name: samples.inputs[name] for name in part}
            shown = TensorSamples(inputs, samples.targets, {}, samples.labelled)
            metrics = measures(predict(shown), shown, [task])
            if not scored(metrics):
                return {}
            found[frozenset(part)] = score(metrics) - nothing
    return found


def perceptual_score(
    predict: Predict,
    samples: TensorSamples,
    tasks: Sequence[Task],
    modality: str,
    *,
    rng: np.random.Generator,
) -> float:
    """Return how much the score falls if a modality is dealt out anew among the samples.

    Reference: Gat, Schwartz, Schwing, "Perceptual Score", NeurIPS 2021.
    """
    order = torch.from_numpy(rng.permutation(len(samples)))
    inputs = {**samples.inputs, modality: samples.inputs[modality][order]}
    dealt = TensorSamples(inputs, samples.targets, samples.available, samples.labelled)
    before, after = (score(measures(predict(s), s, tasks)) for s in (samples, dealt))
    return before - after


def contributions(
    predictor: Callable[[State], Predict],
    state: State,
    fresh: State,
    *,
    samples: TensorSamples,
    tasks: Sequence[Task],
) -> dict[str, float]:
    """Return module -> how much the score falls if the module alone is set back to its start.

    Args:
        predictor: what answers with given modules.
        state, fresh: modules after and before training.
        samples: asked about.
        tasks: asked for.
    """

    def scored_with(modules: State) -> float:
        return score(measures(predictor(modules)(samples), samples, tasks))

    whole = scored_with(state)
    return {m: whole - scored_with({**state, m: fresh[m]}) for m in state}


def load_entropy(routed: Mapping[str, float]) -> float:
    """Return how evenly experts are used: the entropy of their tokens over that of an even split,
    averaged over layers; 1 is even.

    Args:
        routed: expert id -> tokens.

    >>> load_entropy({"expert:*:*:0:0": 4.0, "expert:*:*:1:0": 4.0})
    1.0
    """
    layers: dict[str, list[float]] = {}
    for module, tokens in routed.items():
        layers.setdefault(ModuleKey.parse(module).layer, []).append(tokens)
    found = []
    for tokens_of in layers.values():
        shares = np.array(tokens_of) / max(sum(tokens_of), 1e-12)
        entropy = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
        found.append(entropy / log(len(shares)) if len(shares) > 1 else 1.0)
    return float(np.mean(found))


def attribution(
    model: Architecture,
    predictor: Callable[[State], Predict],
    state: State,
    fresh: State,
    *,
    asked: tuple[TensorSamples, tuple[Task, ...]],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return all of the above of a trained model, by the names of `qfl.core.metrics`.

    Args:
        model: its architecture.
        predictor: what answers with given modules.
        state, fresh: its modules after and before training.
        asked: samples, of which those with all modalities count, and tasks.
        rng: deals modalities out.
    """
    samples, tasks = _complete(asked[0]), asked[1]
    names = tuple(samples.inputs)
    predict = predictor(state)
    if not len(samples) or not scored(measures(predict(samples), samples, tasks)):
        return {}
    found = {
        f"score.contribution@{module}": fall
        for module, fall in contributions(
            predictor, state, fresh, samples=samples, tasks=tasks
        ).items()
    }
    if 2 <= len(names) <= MOST_MODALITIES:
        for name in names:
            fall = perceptual_score(predict, samples, tasks, name, rng=rng)
            found[f"score.perceptual@{name}"] = fall
        for task in tasks:
            if values := worth(predict, samples, task, names):
                found |= {f"{task.name}.shapley@{n}": v for n, v in shapley(values, names).items()}
                found[f"{task.name}.cooperation"] = cooperation(values, names)
    return found | _experts(model, state, samples, tasks)


def _experts(
    model: Architecture, state: State, samples: TensorSamples, tasks: tuple[Task, ...]
) -> dict[str, float]:
    with torch.no_grad():
        notes = run(model, model.flatten(state), samples, tasks, None).notes
    routed = {module: float(tokens) for module, tokens in notes.routed.items()}
    if not routed:
        return {}
    total = sum(routed.values())
    shares = {f"score.routed@{module}": tokens / total for module, tokens in routed.items()}
    return {**shares, "load_entropy": load_entropy(routed)}


def _complete(samples: TensorSamples) -> TensorSamples:
    """The first samples that have all modalities."""
    whole = torch.ones(len(samples))
    for mask in samples.available.values():
        whole = whole * mask
    rows = whole.nonzero().squeeze(1)[:MOST_SAMPLES]
    kept = samples.take(rows)
    return TensorSamples(kept.inputs, kept.targets, {}, kept.labelled)


def _nothing(samples: TensorSamples, task: Task) -> float:
    """The score of the majority class, or of the mean."""
    if task.kind != "classification":
        return 0.0
    target: Tensor = samples.targets[task.name]
    if task.name in samples.labelled:
        target = target[samples.labelled[task.name] > 0]
    return float(torch.bincount(target).max()) / len(target) if len(target) else 0.0
