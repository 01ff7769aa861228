"""Streams: one population, whose samples come stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.federation.continual import seasons, shares
from qfl.federation.continual.stages import Stage
from qfl.federation.continual.stock import joined
from qfl.federation.population import Population

_USED: dict[str, tuple[str, ...]] = {
    "tasks": ("tasks",),
    "classes": ("task",),
    "labels": ("task", "dirichlet_alpha"),
    "modalities": ("strength",),
    "noise": ("strength",),
    "gain": ("strength",),
    "rotation": (),
}
"""Kind of a stream -> the options that it has a use for."""
_NEEDED = ("tasks", "task")
_PLAIN = {"tasks": (), "task": "", "dirichlet_alpha": 0.3, "strength": 1.0}
_STAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What changes from stage to stage, and when.

    Attributes:
        kind: tasks brings tasks one after another; classes brings the classes of `task` in groups;
            the others are seasons, which shift a distribution: labels that of the classes of
            `task`, modalities which one is missing, each in turn, and noise, gain and rotation the
            inputs, more and more (see `qfl.data.shifts.feature_shift`).
        stages: how many; 0 is one per task where tasks come one after another, else 3.
        rounds: of each stage; empty divides those of the federation evenly.
        tasks: in the order in which they come.
        task: whose classes come in groups, or are shifted.
        dirichlet_alpha: of the shares of a class over the seasons; small brings it in one of them.
        strength: of the last season; of modalities, the share of samples that lack one.
    """

    kind: Literal["tasks", "classes", "labels", "modalities", "noise", "gain", "rotation"] = "noise"
    stages: int = 0
    rounds: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()
    task: str = ""
    dirichlet_alpha: float = 0.3
    strength: float = 1.0

    def __post_init__(self) -> None:
        self._check_use()
        if not self.stages:
            object.__setattr__(self, "stages", len(self.tasks) or _STAGES)
        if self.stages < 2 or not (self.strength > 0 and self.dirichlet_alpha > 0):
            raise ConfigError(
                f"stages {self.stages}, strength {self.strength} and dirichlet_alpha "
                f"{self.dirichlet_alpha}; allowed: at least 2, above 0, above 0"
            )
        if self.tasks and len(set(self.tasks)) != self.stages:
            raise ConfigError(
                f"tasks {list(self.tasks)} in {self.stages} stages; name one task for each stage, "
                "none twice, and leave stages out"
            )
        if self.kind == "modalities" and self.strength > 1:
            raise ConfigError(
                f"strength {self.strength} is a share of samples for modalities; allowed: above 0 "
                "to 1"
            )
        if any(each < 1 for each in self.rounds) or len(self.rounds) not in (0, self.stages):
            raise ConfigError(
                f"rounds {list(self.rounds)} of {self.stages} stages; allowed: one number of at "
                "least 1 for each stage, or none to divide them evenly"
            )

    def _check_use(self) -> None:
        """Refuse options that this kind has no use for, and ask for those that it needs."""
        given = {
            "tasks": self.tasks,
            "task": self.task,
            "dirichlet_alpha": self.dirichlet_alpha,
            "strength": self.strength,
        }
        used = _USED[self.kind]
        for name, value in given.items():
            if name not in used and value != _PLAIN[name]:
                raise ConfigError(
                    f"a stream of {self.kind} has no use for {name} = {value!r}; leave it out, or "
                    f"take another kind than {self.kind}"
                )
            if name in used and name in _NEEDED and not value:
                raise ConfigError(f"a stream of {self.kind} needs {name}: which, by name")

    def named(self) -> tuple[str, ...]:
        """Return the names of the tasks that it asks for."""
        return self.tasks or ((self.task,) if self.task else ())

    def divided(self, population: Population, streams: Streams) -> tuple[Stage, ...]:
        """Return the stages; a client without samples in a stage sits it out.

        Raises:
            UnknownNameError: no task is called so, or it has no classes.
            ConfigError: a stage would be empty, or nothing can be shifted.
        """
        if self.kind == "tasks":
            return shares.by_task(population, self._tasks(population), streams)
        if self.kind == "classes":
            return shares.by_class(population, self._divisible(population), self.stages)
        if self.kind == "labels":
            task = self._with_classes(population)
            alpha, stages = self.dirichlet_alpha, self.stages
            return shares.by_label(population, task, stages=stages, alpha=alpha, streams=streams)
        if self.kind == "modalities":
            return seasons.by_modality(
                population, stages=self.stages, share=self.strength, streams=streams
            )
        return seasons.by_shift(
            population,
            kind=self.kind,
            stages=self.stages,
            strength=self.strength,
            streams=streams,
        )

    def test(self, population: Population, stages: tuple[Stage, ...]) -> Samples:
        """Return the test samples of all stages together, each once."""
        if self.kind in ("tasks", "classes", "labels"):
            return population.test
        return joined([stage.population.test for stage in stages])

    def _tasks(self, population: Population) -> tuple[Task, ...]:
        known = {task.name: task for task in population.tasks}
        for name in self.tasks:
            if name not in known:
                raise UnknownNameError("task", name, known)
        return tuple(known[name] for name in self.tasks)

    def _with_classes(self, population: Population) -> Task:
        names = {task.name: task for task in population.tasks if task.kind == "classification"}
        if self.task not in names:
            raise UnknownNameError("task with classes", self.task, names)
        return names[self.task]

    def _divisible(self, population: Population) -> Task:
        task = self._with_classes(population)
        if task.outputs < self.stages:
            raise ConfigError(
                f"{task.outputs} classes of {self.task!r} cannot come in {self.stages} groups; "
                "take fewer stages"
            )
        return task
