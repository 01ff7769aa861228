"""TAP: two-stage adaptive personalisation of a federation with many modalities and tasks.

Every client keeps a personal model beside its copy of the common one. Stage 1, in each round: task
by task, where the freshly trained copy loses less by more than a margin, the personal model takes
from it all modules on the path of that task and nothing else; then it trains. Stage 2, after the
last round: the final model, fine-tuned, teaches the personal one.

Here both models are compared in the same round on samples held apart (`validation_fraction`). The
rule of the released code, training losses of different rounds, is `rule = "training"`.

Reference: Lee et al. 2025 (arXiv:2509.26524), and its released code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.personal import Comparison
from qfl.core.update import Update
from qfl.federation.engine import Step
from qfl.federation.fedavg import FedAvg
from qfl.federation.fedavg_local import lasting
from qfl.federation.population import TensorSamples
from qfl.federation.training.distil import Distillation
from qfl.federation.training.lessons import Course, Lesson, PersonalModel, Pupil
from qfl.federation.training.losses import labels, run
from qfl.federation.world import Participant, World
from qfl.models.m3t import State

Losses = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Tap:
    """The options.

    Attributes:
        margin: by how much the common model must lose less on a task before modules are taken.
        margins: task -> its own margin.
        rule: held_out compares both models in the same round on samples held apart; training
            compares the copy's training loss with that of the personal model when it last trained.
        replace: False leaves stage 1 out: personal models are never replaced.
        tuning_steps: mini-batches of teacher and of student after the last round, at least; whole
            passes are made. 0 leaves stage 2 out.
        distillation: lambda, the weight of the distance to the teacher; 0 trains without it.
        temperature: of the teacher's and the student's classes.
    """

    margin: float = 0.01
    margins: Mapping[str, float] = field(default_factory=dict)
    rule: Literal["held_out", "training"] = "held_out"
    replace: bool = True
    tuning_steps: int = 50
    distillation: float = 2e-3
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.rule not in (rules := ("held_out", "training")):
            raise UnknownNameError("rule", self.rule, rules)
        least = {"tuning_steps": 0, "distillation": 0.0}
        for name, allowed in least.items():
            if not getattr(self, name) >= allowed:
                raise ConfigError(f"tap needs {name} >= {allowed}, got {getattr(self, name)}")
        if not self.temperature > 0:
            raise ConfigError(f"tap needs temperature > 0, got {self.temperature}")
        if any(math.isnan(margin) for margin in (self.margin, *self.margins.values())):
            raise ConfigError(f"a margin is a number, got {self.margin} and {dict(self.margins)}")

    def start(self, world: World) -> Personal:
        """Return the algorithm for one federation.

        Raises:
            UnknownNameError: a margin is for a task that nobody has.
            ConfigError: models shall be compared on samples held apart, and there are none.
        """
        for task in self.margins:
            if task not in world.model.tasks:
                raise UnknownNameError("task", task, world.model.tasks)
        if self.rule == "held_out" and any(
            c.validation is None for c in world.participants.clients
        ):
            raise ConfigError(
                "tap compares models on samples held apart, and clients hold none; set "
                'validation_fraction > 0, or rule = "training"'
            )
        return Personal(self, world)


class Personal:
    """The personal models of one federation, and how they come about.

    Args:
        options: of the algorithm.
        world: who takes part and how they train.
    """

    def __init__(self, options: Tap, world: World) -> None:
        self._options, self._world = options, world
        self._last: dict[int, Losses] = {}
        self._replacements = 0

    def local_objective(self, step: Step) -> Tensor | None:
        """Return no additional term for the common training."""
        return None

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules, as FedAvg does."""
        return FedAvg().aggregate(state, updates)

    def tell(self) -> dict[str, float]:
        """Return how often the common model has won a task so far."""
        return {"replacements": float(self._replacements)}

    def after_training(self, pupil: Pupil) -> Course[PersonalModel]:
        """Compare, take what is better, then train the personal model on another shuffle."""
        assert pupil.trained is not None  # a model always comes down
        state, comparisons = self._compared(pupil, pupil.trained.state, pupil.trained.losses)
        trained = yield Lesson(state=state, rng=pupil.order(self._world))
        self._last[pupil.participant.index] = trained.losses
        return PersonalModel(trained.state, comparisons)

    def after_last_round(self, pupil: Pupil) -> Course[PersonalModel]:
        """Fine-tune the final model and let it teach the personal one.

        A client that was never called compares here for once.
        """
        options, who, world = self._options, pupil.participant, self._world
        state = pupil.mine(world)
        comparisons: tuple[Comparison, ...] = ()
        if pupil.own is None:
            trained = losses(who, pupil.model, who.train)
            state, comparisons = self._compared(pupil, pupil.model, trained)
        if not options.tuning_steps:
            return PersonalModel(state, comparisons)
        training = lasting(world.training, options.tuning_steps, len(who.train))
        if not options.distillation:
            tuned = yield Lesson(state=state, rng=pupil.order(world, 1), training=training)
            return PersonalModel(tuned.state, comparisons)
        teacher = yield Lesson(state=pupil.model, rng=pupil.order(world), training=training)
        student = yield Lesson(
            state=state,
            rng=pupil.order(world, 1),
            training=training,
            objective=Distillation(
                who.model, who.client.tasks, options.distillation, options.temperature
            ),
            carried=who.model.flatten(teacher.state),
        )
        return PersonalModel(student.state, comparisons)

    def _compared(
        self, pupil: Pupil, common: State, trained: Losses
    ) -> tuple[State, tuple[Comparison, ...]]:
        """The personal model with what it takes from the common one, and why it does."""
        who, own = pupil.participant, pupil.mine(self._world)
        ours, mine = trained, self._last.get(who.index, {})
        if self._options.rule == "held_out":
            assert who.validation is not None  # checked at the start
            ours, mine = (losses(who, state, who.validation) for state in (common, own))
        found = [
            self._comparison(who, task.name, ours.get(task.name), mine.get(task.name))
            for task in who.client.tasks
        ]
        self._replacements += sum(bool(each.replaced) for each in found)
        taken = {module: common[module] for each in found for module in each.replaced}
        return {**own, **taken}, tuple(found)

    def _comparison(
        self, who: Participant, task: str, ours: float | None, mine: float | None
    ) -> Comparison:
        """One task: what is replaced if the common model is better by more than the margin. Without
        a label to compare on, it is not."""
        margin = self._options.margins.get(task, self._options.margin)
        better = ours is not None and ours + margin < (math.inf if mine is None else mine)
        replaced = who.model.path(task) if better and self._options.replace else ()
        return Comparison(who.client.name, task, ours, mine, replaced)


def losses(who: Participant, state: State, samples: TensorSamples) -> dict[str, float]:
    """Return task -> mean loss of a client's model on the samples that have the label, left out
    where none has."""
    with torch.no_grad():
        found = run(who.model, who.model.flatten(state), samples, who.client.tasks, None).losses
    return {task: float(loss) for task, loss in found.items() if labels(samples, task)}
