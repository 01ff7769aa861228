"""Federated averaging, module by module (McMahan et al. 2017, arXiv:1602.05629, algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step
from qfl.federation.exchange import from_arrays, overlaid
from qfl.federation.world import World
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class FedAvg:
    """The mean over the holders of each module, weighted by samples; no options."""

    def start(self, world: World) -> FedAvg:
        """Return itself: there is nothing to remember."""
        return self

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional client-side term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules; one that nobody sent stays as it was."""
        return overlaid(state, from_arrays(weighted_mean(updates)))
