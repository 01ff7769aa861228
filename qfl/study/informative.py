"""Can a study show anything? Its worlds are measured before they are played.

Every scenario of the grid is built on seeds that the study does not report, and two references are
trained in it (`qfl.scenarios.difficulty`): where pooled data teach a task of the headline badly or
to the full, or clients alone do as well, no method can win or lose there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.engine import LocalTraining
from qfl.federation.plan import Schedule
from qfl.scenarios.difficulty import Difficulty, averaged, difficulty
from qfl.study.grid import cells
from qfl.study.model import Study
from qfl.study.options import build, build_row


@dataclass(frozen=True, slots=True)
class Measured:
    """One task in one scenario of a study.

    Attributes:
        setting: what sets the scenario apart on the axes of the study, "" if nothing does.
        difficulty: mean scores of the references over the seeds.
        asked: whether the headline is about this task.
    """

    setting: str
    difficulty: Difficulty
    asked: bool

    @property
    def objection(self) -> str:
        """Why the headline cannot be decided here, "" if it can."""
        return self.difficulty.objection if self.asked else ""


def informative(study: Study, *, worlds: int) -> Iterator[Measured]:
    """Yield every task of every scenario of a study, as each is measured.

    Models are those of the study's own federation, trained for as many epochs as a client who is
    called in every round.

    Args:
        study: what is to be played.
        worlds: on how many seeds each scenario is built; scores are their means.

    Raises:
        ConfigError: the study decides instances and trains nobody.
    """
    if study.decision:
        raise ConfigError(f"{study.name} trains nobody: there is no difficulty to measure")
    schedule = build(Schedule, study.federation)
    training = build(LocalTraining, study.federation)
    training = replace(training, epochs=training.epochs * schedule.rounds)
    task = _task(study)
    for cell in _scenarios(study):
        found = [
            difficulty(
                build_row("scenario", cell.scenario).build(streams),
                recipe=schedule.recipe,
                training=training,
                streams=streams,
            )
            for streams in map(Streams, unreported(study, worlds))
        ]
        labels = {key: text for key, text in cell.labels.items() if key != "method"}
        setting = ", ".join(f"{key} {text}" for key, text in labels.items())
        for name, each in averaged(found).items():
            yield Measured(setting, each, task in ("", name))


def unreported(study: Study, worlds: int) -> tuple[int, ...]:
    """Return as many seeds above all that the study or one of its profiles reports."""
    sizes = [study, *(study.with_overrides(profile) for profile in study.profiles)]
    above = max(seed for each in sizes for seed in each.seeds) + 1
    return tuple(range(above, above + worlds))


def _task(study: Study) -> str:
    """The task of the headline, "" if it is about all."""
    task, dot, _ = study.headline.metric.partition(".")
    return task if dot else ""


def _scenarios(study: Study) -> list[Cell]:
    """The first cell of each scenario of the grid."""
    first: dict[str, Cell] = {}
    for cell in cells(study):
        first.setdefault(canonical_json(cell.scenario), cell)
    return list(first.values())
