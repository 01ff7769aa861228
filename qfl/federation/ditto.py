"""Ditto: FedAvg, and a personal model at every client that is pulled to what it downloaded.

Reference: Li, Hu, Beirami, Smith 2021 (arXiv:2012.04221), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.engine import Step
from qfl.federation.fedavg import FedAvg
from qfl.federation.training.lessons import Course, Lesson, PersonalModel, Pupil
from qfl.federation.world import World
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class Ditto:
    """The options.

    Attributes:
        pull: lambda, the weight of half the squared distance to the downloaded model; 0 is local
            training bit for bit.
    """

    pull: float = 0.1

    def __post_init__(self) -> None:
        if not self.pull >= 0:
            raise ConfigError(f"ditto needs pull >= 0, got {self.pull}")

    def start(self, world: World) -> Pulled:
        """Return the algorithm for one federation."""
        return Pulled(self.pull, world)


class Pulled:
    """FedAvg whose clients then train their own models.

    Args:
        pull: to the downloaded model.
        world: begins the models and orders the batches.
    """

    def __init__(self, pull: float, world: World) -> None:
        self._pull, self._world = pull, world

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional term for the common training."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)

    def after_training(self, pupil: Pupil) -> Course[PersonalModel]:
        """Train the client's own model, pulled to the common one as it came down."""
        trained = yield Lesson(
            state=pupil.mine(self._world),
            rng=pupil.order(self._world),
            objective=self._distance,
            carried=pupil.participant.model.flatten(pupil.model),
        )
        return PersonalModel(trained.state)

    def _distance(self, step: Step) -> Tensor | None:
        if self._pull == 0:
            return None
        squares = [
            (step.parameters[name] - there).square().sum() for name, there in step.carried.items()
        ]
        return self._pull / 2 * torch.stack(squares).sum()
