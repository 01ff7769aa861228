"""Local training alone: every client for itself, and nothing travels. The lower baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from qfl.core.update import Update
from qfl.federation.engine import Step, Trained
from qfl.federation.training.lessons import Course, Lesson, PersonalModel, Pupil
from qfl.federation.world import Participant, World
from qfl.models.m3t import State


@dataclass(frozen=True, slots=True)
class Local:
    """A client that is chosen trains its own model further; no options.

    No key is exchanged and no byte is sent; the model of the server stays as it began.
    """

    def start(self, world: World) -> Alone:
        """Return the algorithm for one federation."""
        return Alone(world)


class Alone:
    """Clients that never speak to the server.

    Args:
        world: begins the models and orders the batches.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def pack(self, participant: Participant, offered: State) -> None:
        """Return None: nothing travels."""

    def carried(self, participant: Participant, received: State) -> Mapping[str, Tensor]:
        """Return nothing."""
        return {}

    def answer(self, participant: Participant, received: State, trained: Trained | None) -> State:
        """Return nothing."""
        return {}

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional term."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the modules as they are."""
        return state

    def after_training(self, pupil: Pupil) -> Course[PersonalModel]:
        """Train the client's own model as long as a common one would be."""
        trained = yield Lesson(state=pupil.mine(self._world), rng=pupil.order(self._world))
        return PersonalModel(trained.state)
