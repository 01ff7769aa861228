"""FedAvg whose clients keep the latents of different modalities, and of different tasks, apart.

After DisentAFL, as the baseline of TAP uses it: half the squared cosine between the latents of
different modality-task groups. Here a group is a modality before the trunk, or a task as its head
reads it; groups of the same side are compared. The published method also routes experts and weighs
clients, which is not repeated here.

Reference: Chen and Zhang, AAAI 2024 (modality-task agnostic federated learning); the term as it is
used beside TAP, arXiv:2509.26524.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.engine import Step
from qfl.federation.fedavg import FedAvg
from qfl.federation.world import World
from qfl.models.m3t import State

_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class Disentangle:
    """The options.

    Attributes:
        weight: of the mean squared cosine over pairs of groups; 0 is FedAvg bit for bit.
    """

    weight: float = 0.5

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise ConfigError(f"disentangle needs weight >= 0, got {self.weight}")

    def start(self, world: World) -> Disentangle:
        """Return itself: there is nothing to remember."""
        return self

    def local_objective(self, step: Step) -> Tensor | None:
        """Return the weighted mean squared cosine; None for a client with one group of a side."""
        pairs = list(_pairs(step)) if self.weight else []
        if not pairs:
            return None
        return self.weight * torch.stack(pairs).mean()

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)


def _pairs(step: Step) -> Iterator[Tensor]:
    """Yield the mean squared cosine of each pair of groups, over the samples that have both."""
    shown = step.batch.available
    for first, second in combinations(step.notes.latents, 2):
        masks = [shown[name] for name in (first, second) if name in shown]
        yield _mean_square_cosine(step.notes.latents, (first, second), step.weights, masks)
    for pair in combinations(step.notes.readouts, 2):
        yield _mean_square_cosine(step.notes.readouts, pair, step.weights, [])


def _mean_square_cosine(
    latents: Mapping[str, Tensor],
    pair: tuple[str, str],
    weights: Tensor | None,
    masks: Sequence[Tensor],
) -> Tensor:
    left, right = (latents[name] for name in pair)
    products = (left * right).sum(-1).square()
    squares = products / (left.square().sum(-1) * right.square().sum(-1) + _TINY)
    shares = torch.ones_like(squares) / len(squares) if weights is None else weights
    for mask in masks:
        shares = shares * mask
    return (shares * squares).sum() / shares.sum().clamp(min=_TINY)
