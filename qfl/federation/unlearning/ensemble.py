"""Federations that answer together: means of what they say, and of what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import torch
from torch import Tensor

from qfl.core.errors import ProblemError
from qfl.core.events import PairKeys, Staleness
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.core.tasks import Task
from qfl.federation.evaluate import Predict, over_clients
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture

_TINY = 1e-30
_CLASSES = ("classification", "tagging")


def answers(
    members: Sequence[tuple[Architecture, Predict]], samples: TensorSamples, tasks: Sequence[Task]
) -> dict[str, Tensor]:
    """Return task -> outputs: the mean of probabilities, as logarithms, or of numbers.

    A member is asked for the tasks that it knows, on samples of which it knows a modality.

    Args:
        members: (model, what it answers) of each.
        samples: n samples.
        tasks: those to answer for; one that no member knows is left out.

    Raises:
        ProblemError: no member knows a modality of some sample.
    """
    votes: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for model, predict in members:
        weights = _sees(model, samples)
        if not weights.any():
            continue
        outputs = predict(samples)
        for task in tasks:
            if task.name in model.tasks:
                votes.setdefault(task.name, []).append((weights, outputs[task.name]))
    return {t.name: _mean(t, votes[t.name]) for t in tasks if t.name in votes}


def merged(parts: Sequence[RoundRecord], metrics: Mapping[str, float]) -> RoundRecord:
    """Return one record of federations that trained at once.

    Costs add, but for the time: they work side by side. Each made its own decision, so there is
    none of the whole.

    Args:
        parts: at least one.
        metrics: of all of them together.
    """
    by_client = {name: found for part in parts for name, found in part.client_metrics.items()}
    costs: Costs = reduce(add, (part.costs for part in parts))
    timings: Timings = reduce(add, (part.timings for part in parts))
    pairs = [part.pairs for part in parts if part.pairs is not None]
    return replace(
        parts[0],
        selected=tuple(sorted(name for part in parts for name in part.selected)),
        delivered=tuple(sorted(name for part in parts for name in part.delivered)),
        metrics={**metrics, **over_clients(by_client.values())},
        client_metrics=dict(sorted(by_client.items())),
        choice=None,
        slots=None,
        least_trained=None,
        costs=replace(costs, virtual_seconds=max(p.costs.virtual_seconds for p in parts)),
        links=tuple(event for part in parts for event in part.links),
        timings=timings,
        sums=tuple(event for part in parts for event in part.sums),
        pairs=_pairs(pairs) if pairs else None,
        staleness=_staleness(parts),
        parameters={
            name: sum(part.parameters[name] for part in parts) for name in parts[0].parameters
        },
        comparisons=tuple(found for part in parts for found in part.comparisons),
        left_out={module: why for part in parts for module, why in part.left_out.items()},
        excluded={name: why for part in parts for name, why in part.excluded.items()},
    )


def _sees(model: Architecture, samples: TensorSamples) -> Tensor:
    """(n,) 1 where the model knows a modality that the sample has, else 0."""
    known = [name for name in samples.inputs if name in model.modalities]
    ones = torch.ones(len(next(iter(samples.inputs.values()))))
    if not known:
        return torch.zeros_like(ones)
    return torch.stack([samples.available.get(name, ones) for name in known]).amax(0)


def _mean(task: Task, votes: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    heard = torch.stack([weights for weights, _ in votes])
    if not heard.any(0).all():
        raise ProblemError(
            f"{int((~heard.any(0)).sum())} samples show nothing that a shard with task "
            f"{task.name!r} knows; take fewer shards, so that each holds every modality"
        )
    classes = task.kind in _CLASSES
    said = torch.stack([out.softmax(-1) if classes else out for _, out in votes])
    shares = (heard / heard.sum(0)).view(*heard.shape, *[1] * (said.dim() - 2))
    # What a member says of samples it knows nothing of may be anything, NaN included.
    mean = torch.where(shares > 0, shares * said, torch.zeros_like(said)).sum(0)
    return mean.clamp(min=_TINY).log() if classes else mean


def _staleness(parts: Sequence[RoundRecord]) -> Staleness | None:
    """The age of every module where it is oldest, and of what all clients keep."""
    known = [part.staleness for part in parts if part.staleness is not None]
    modules = sorted({module for each in known for module in each.modules})
    homes: Counter[str] = sum((Counter(each.homes) for each in known), Counter())
    oldest = {m: max(each.modules.get(m, 0) for each in known) for m in modules}
    return Staleness(oldest, dict(homes)) if known else None


def _pairs(found: Sequence[PairKeys]) -> PairKeys:
    return PairKeys(
        links=sum(pair.links for pair in found),
        bits_left=sum(pair.bits_left for pair in found),
        poorest_bits=min(pair.poorest_bits for pair in found),
    )
