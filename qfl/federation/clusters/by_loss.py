"""Clusters by loss: a client takes the copy that loses least on its own samples.

All copies come down and the client's answer names the one that it changed, which is all the server
learns: the choice works under masked sums, and costs a download of every copy.

Reference: Ghosh, Chung, Yin, Ramchandran 2020 (IFCA, arXiv:2006.04088), algorithm 1 with model
averaging and shared layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.clusters.division import Direction
from qfl.federation.training.losses import run
from qfl.federation.world import Participant, World
from qfl.models.keys import copy_id
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class ByLoss:
    """Every client takes the copy that loses least on its training samples, anew in every round.

    Attributes:
        count: how many copies there are.
        spread: how far copies begin apart: the standard deviation of what is added to a matrix,
            times the square root of its fan-in. One that begins far off is never taken.
    """

    count: int = 2
    spread: float = 0.3

    def __post_init__(self) -> None:
        if self.count < 1 or not self.spread > 0:
            raise ConfigError(
                f"count {self.count} and spread {self.spread}; allowed: at least 1, and above 0"
            )

    @property
    def learned(self) -> bool:
        """True: losses say who is where."""
        return True

    def start(self, world: World) -> Choices:
        """Return the clusters, of which nobody has chosen yet."""
        return Choices(self, world.streams)


class Choices:
    """What clients have chosen so far.

    Args:
        options: as set.
        streams: draw what sets copies apart.
    """

    def __init__(self, options: ByLoss, streams: Streams) -> None:
        self.names = tuple(map(str, range(options.count)))
        self.members: dict[int, str] = {}
        self._spread, self._streams = options.spread, streams

    def offered(self, client: int) -> tuple[str, ...]:
        """Return all clusters."""
        return self.names

    def begun(self, cluster: str, copies: State) -> State:
        """Return the modules for the first cluster, and moved ones for each other.

        Matrices move by normal numbers of variance spread^2 / fan-in; vectors stay.
        """
        if cluster == self.names[0]:
            return copies
        return {
            module: {
                name: tensor + self._moved(copy_id(module, cluster), name, tensor)
                for name, tensor in tensors.items()
            }
            for module, tensors in copies.items()
        }

    def heard(
        self, told: Mapping[int, str], directions: Mapping[int, Direction], round_index: int
    ) -> Mapping[str, str]:
        """Remember what was chosen; no new copies come of it."""
        self.members |= told
        return {}

    def _moved(self, copy: str, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dim() < 2:
            return torch.zeros_like(tensor)
        drawn = self._streams(f"init/{copy}.{name}").standard_normal(tuple(tensor.shape))
        scale = self._spread / math.sqrt(tensor.shape[-1])
        return torch.from_numpy(scale * drawn).to(tensor.dtype)


def least_loss(who: Participant, versions: Mapping[str, State]) -> str:
    """Return the cluster whose copies lose least on a client's training samples, the first of those
    that lose alike.

    Args:
        who: the client.
        versions: cluster -> all modules of the client's model, with the copies of that cluster.
    """

    def lost(cluster: str) -> float:
        parameters = who.model.flatten(versions[cluster])
        with torch.no_grad():
            total = run(who.model, parameters, who.train, who.client.tasks, None).total
        return float(total)

    return min(versions, key=lost)


def choosing_operations(who: Participant, versions: int) -> float:
    """Return the floating-point operations of comparing so many versions: a forward pass each,
    a third of what training on the samples once takes."""
    return versions * who.model.training_operations(len(who.train)) / 3
