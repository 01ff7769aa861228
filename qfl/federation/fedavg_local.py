"""FedAvg, whose clients all fine-tune the final model on their own samples: a plain baseline of
personalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.engine import LocalTraining, Step
from qfl.federation.fedavg import FedAvg
from qfl.federation.training.lessons import Course, Lesson, PersonalModel, Pupil
from qfl.federation.world import World
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class FedAvgLocal:
    """The options.

    Attributes:
        tuning_steps: mini-batches after the last round, at least; whole passes are made.
    """

    tuning_steps: int = 50

    def __post_init__(self) -> None:
        if self.tuning_steps < 1:
            raise ConfigError(f"fedavg_local needs tuning_steps >= 1, got {self.tuning_steps}")

    def start(self, world: World) -> Tuned:
        """Return the algorithm for one federation."""
        return Tuned(world, self.tuning_steps)


class Tuned:
    """FedAvg, and then everybody for itself.

    Args:
        world: how clients train.
        steps: mini-batches after the last round.
    """

    def __init__(self, world: World, steps: int) -> None:
        self._world, self._steps = world, steps

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)

    def after_last_round(self, pupil: Pupil) -> Course[PersonalModel]:
        """Fine-tune the final model."""
        trained = yield Lesson(
            state=pupil.model,
            rng=pupil.order(self._world),
            training=lasting(self._world.training, self._steps, len(pupil.participant.train)),
        )
        return PersonalModel(trained.state)


def lasting(training: LocalTraining, steps: int, samples: int) -> LocalTraining:
    """Return the training with as many passes over `samples` as take at least `steps` steps.

    >>> lasting(LocalTraining(batch_size=16), 50, 48).epochs
    17
    """
    per_pass = -(-samples // training.batch_size)
    return replace(training, epochs=-(-steps // per_pass))
