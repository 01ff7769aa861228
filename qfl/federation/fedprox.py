"""FedProx: FedAvg whose clients are pulled to what they downloaded (Li et al. 2020,
arXiv:1812.06127, algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.engine import Step
from qfl.federation.fedavg import FedAvg
from qfl.federation.world import World
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class FedProx:
    """FedAvg plus (mu/2) ||w - w_downloaded||^2 at the client; mu = 0 is FedAvg bit for bit.

    Attributes:
        mu: weight of the distance to what was downloaded, at least 0.
    """

    mu: float = 0.01

    def __post_init__(self) -> None:
        if not self.mu >= 0:
            raise ConfigError(f"fedprox needs mu >= 0, got {self.mu}")

    def start(self, world: World) -> FedProx:
        """Return itself: there is nothing to remember."""
        return self

    def local_objective(self, step: Step) -> Tensor | None:
        """Return the proximal term."""
        if self.mu == 0:
            return None
        distances = [
            (step.parameters[name] - start).square().sum() for name, start in step.reference.items()
        ]
        return self.mu / 2 * torch.stack(distances).sum()

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)
