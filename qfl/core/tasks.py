"""What a sample offers and what is asked of it: modalities, tasks, and a data set of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import frozen
from qfl.core.errors import ConfigError

T = TypeVar("T", bound=np.generic)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Modality:
    """One input: its name, the shape of one sample, and what the numbers are.

    Attributes:
        name: for instance "wrist".
        shape: of one sample.
        kind: what picks an encoder: image (rows, columns[, channels]), audio (bands, frames),
            frames (channels, few steps), imu (channels, many steps), series (steps[, channels]),
            sensor (steps,), vector (numbers that belong together,), tabular (columns,) or text
            (positions,); "" where the shape alone decides.
        levels: of a table, the categories per column, 0 for a number; of a text, the size of its
            vocabulary, id 0 being the padding.
    """

    name: str
    shape: tuple[int, ...]
    kind: str = ""
    levels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to predict.

    Attributes:
        name: for instance "digit".
        kind: classification into `outputs` classes, regression of `outputs` numbers, forecast of
            the next `outputs` steps of a series, or tagging every position of a text with one of
            `outputs` tags (-1: no tag there).
        outputs: width of the prediction.
    """

    name: str
    kind: Literal["classification", "regression", "forecast", "tagging"]
    outputs: int


class Later(Mapping[str, V]):
    """Arrays by name that are made when somebody looks at one, every time anew: none is kept.

    Args:
        names: of the arrays, in order.
        part: of what `make` returns: inputs or targets.
        make: returns samples that hold them.
    """

    __slots__ = ("_names", "_part", "make")

    def __init__(self, names: tuple[str, ...], part: str, make: Callable[[], Any]) -> None:
        self._names, self._part, self.make = names, part, make

    def __getitem__(self, name: str) -> V:
        if name not in self._names:
            raise KeyError(name)
        found: V = getattr(self.make(), self._part)[name]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, eq=False)
class Samples:
    """Aligned inputs and targets.

    Both may be made later, when somebody looks at them, so that 10,000 clients can hold samples
    and none be in memory; then all samples are complete.

    Attributes:
        ids: (n,) int64, positions in the data set the samples came from.
        inputs: modality name -> (n, *shape) float32.
        targets: task name -> (n,) int64 for classes, (n,) float32 for a number, (n, outputs)
            float32 for a forecast, (n, positions) int64 for tags.
        available: modality name -> (n,) bool, False where the sample lacks it, whatever `inputs`
            holds there; modalities not named are there for every sample.
        labelled: task name -> (n,) bool, False where the target is unknown; likewise.
    """

    ids: NDArray[np.int64]
    inputs: Mapping[str, NDArray[np.float32]]
    targets: Mapping[str, NDArray[Any]]
    available: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    labelled: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.inputs, Later):
            return
        parts = (self.inputs, self.targets, self.available, self.labelled)
        lengths = {len(self.ids), *(len(array) for part in parts for array in part.values())}
        if len(lengths) != 1:
            raise ConfigError(f"inputs and targets must have one length, got {sorted(lengths)}")
        strays = (self.available.keys() - self.inputs) | (self.labelled.keys() - self.targets)
        if strays:
            raise ConfigError(f"masks of {sorted(strays)} mask nothing; the samples lack these")
        if self.inputs and self.available.keys() == self.inputs.keys():
            bare = int((~np.any(list(self.available.values()), axis=0)).sum())
            if bare:
                raise ConfigError(f"{bare} samples have no modality at all; leave them out")

    @classmethod
    def later(
        cls,
        ids: NDArray[np.int64],
        modalities: tuple[str, ...],
        tasks: tuple[str, ...],
        make: Callable[[], Samples],
    ) -> Samples:
        """Return samples that `make` makes, the same whenever it is asked."""
        return cls(ids, Later(modalities, "inputs", make), Later(tasks, "targets", make))

    @property
    def made(self) -> Samples:
        """The samples in memory: these, or made now if they are made later."""
        if not isinstance(self.inputs, Later):
            return self
        found: Samples = self.inputs.make()
        return found

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.intp]) -> Samples:
        """Return the samples at `rows`."""
        if isinstance(self.inputs, Later):
            ids = frozen(self.ids[rows], np.int64)
            return self.later(
                ids, tuple(self.inputs), tuple(self.targets), lambda: self.made.take(rows)
            )
        return Samples(
            frozen(self.ids[rows], np.int64),
            _rows(self.inputs, rows),
            _rows(self.targets, rows),
            _rows(self.available, rows),
            _rows(self.labelled, rows),
        )

    def only(self, modalities: tuple[str, ...], tasks: tuple[str, ...]) -> Samples:
        """Return the same samples with these modalities and tasks alone."""
        if isinstance(self.inputs, Later):
            return self.later(
                self.ids, modalities, tasks, lambda: self.made.only(modalities, tasks)
            )
        return Samples(
            self.ids,
            {name: self.inputs[name] for name in modalities},
            {name: self.targets[name] for name in tasks},
            {name: self.available[name] for name in modalities if name in self.available},
            {name: self.labelled[name] for name in tasks if name in self.labelled},
        )


def _rows(part: Mapping[str, NDArray[T]], rows: NDArray[np.intp]) -> dict[str, NDArray[T]]:
    return {name: array[rows] for name, array in part.items()}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with the specification of their parts and where they come from.

    Attributes:
        name: registry name.
        modalities, tasks: in the order that reports use.
        samples: all of them; ids are 0..n-1.
        source, licence: printed in the provenance of every report.
        sha256: hash of the raw data as distributed; part of the identity of every cell, so nothing
            computed enters it.
        test_rows: rows of the official test set, sorted; None where there is none.
        groups: natural key, such as "speaker" -> (n,) int64, the group each sample belongs to.
    """

    name: str
    modalities: tuple[Modality, ...]
    tasks: tuple[Task, ...]
    samples: Samples
    source: str
    licence: str
    sha256: str
    test_rows: NDArray[np.intp] | None = None
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
