"""Made-up modalities and tasks, with a known answer to what each modality is worth for each task.

Every task asks about weighted sums of hidden numbers. A modality shows its own hidden numbers
through a fixed random linear map with noise, and a table says how much of a task's score comes
from the hidden numbers of which modality. `explained` is what part of the variance of that score a
modality alone can tell (before its noise): its share, if modalities have nothing in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Modality, Samples, Task

_KINDS = ("vector", "imu", "series", "tabular")
_RANGES = {
    "factors": "[1, inf)",
    "groups": "[1, inf)",
    "noise": "[0, inf)",
    "group_shift": "[0, inf)",
    "redundancy": "[0, 1]",
    "relatedness": "[0, 1]",
}


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The loader.

    Attributes:
        samples: how many.
        shares: one row per task, one column per modality: the share of the task's score that the
            modality carries; every row adds up to one.
        noise: standard deviation of what is added to every number of a modality, whose own
            numbers have variance 1.
        groups: natural clients, of equal size, each with its own offset of the hidden numbers.
        group_shift: standard deviation of these offsets.
        seed: of everything that is drawn.
        regressions: so many tasks, the first ones, ask for a score; the others for a class.
        classes: of those; two are the sign of a score, more are the largest of as many scores.
        redundancy: correlation of the hidden numbers of any two modalities.
        relatedness: correlation of the weights of any two tasks, modality by modality.
        factors: hidden numbers of each modality.
    """

    samples: int = 600
    shares: tuple[tuple[float, ...], ...] = (
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.5, 0.0, 0.5),
        (0.4, 0.3, 0.3),
    )
    noise: float = 0.1
    groups: int = 6
    group_shift: float = 0.0
    seed: int = 0
    regressions: int = 1
    classes: int = 2
    redundancy: float = 0.0
    relatedness: float = 0.0
    factors: int = 4

    def __post_init__(self) -> None:
        rows = {len(row) for row in self.shares}
        sums = [sum(row) for row in self.shares]
        if len(rows) != 1 or not np.allclose(sums, 1) or min(map(min, self.shares)) < 0:
            raise ConfigError(
                f"shares must be rows of one length, not negative, adding up to 1; "
                f"got {self.shares}"
            )
        check_ranges(self, _RANGES)
        if not 0 <= self.regressions <= len(self.shares) or self.classes < 2:
            raise ConfigError(
                f"{self.regressions} regressions among {len(self.shares)} tasks and "
                f"{self.classes} classes; allowed: 0 to all tasks, and at least 2 classes"
            )

    def share(self, task: int, modality: int) -> float:
        """Return what part of a task's score comes from the hidden numbers of a modality.

        >>> Synthetic().share(2, 0)
        0.5
        """
        return self.shares[task][modality]

    def explained(self, task: int, modality: int) -> float:
        """Return what part of the variance of a task's score a modality alone can tell, noiseless
        and inside a group; of several scores, the mean.

        >>> Synthetic(redundancy=1.0).explained(0, 1), Synthetic().explained(2, 0)
        (1.0, 0.5)
        """
        weights = self.weights(task)
        total = weights.sum(1)
        own, r = weights[:, modality], self.redundancy
        told = np.square(own + r * (total - own)).sum(1)
        variance = r * np.square(total).sum(1) + (1 - r) * np.square(weights).sum((1, 2))
        return round(float(np.mean(told / variance)), 12)

    def load(self) -> Dataset:
        """Return the samples."""
        streams = Streams(self.seed)
        count = len(self.shares[0])
        size = (self.samples, count, self.factors)
        hidden = streams("synthetic/hidden").standard_normal(size)
        if self.redundancy:
            common = streams("synthetic/common").standard_normal((self.samples, 1, self.factors))
            hidden = np.sqrt(1 - self.redundancy) * hidden + np.sqrt(self.redundancy) * common
        group = np.arange(self.samples) % self.groups
        offsets = streams("synthetic/groups").standard_normal((self.groups, count, self.factors))
        hidden += self.group_shift * offsets[group]
        inputs = {m.name: self._shown(m, hidden[:, k], k) for k, m in enumerate(self.modalities)}
        targets = {
            task.name: self._target(hidden, number) for number, task in enumerate(self.tasks)
        }
        return Dataset(
            name="synthetic",
            modalities=self.modalities,
            tasks=self.tasks,
            samples=Samples(np.arange(self.samples), inputs, targets),
            source="drawn by qfl.data.synthetic",
            licence="none needed",
            sha256=sha256_hex(repr(self).encode()),
            groups={"group": group.astype(np.int64)},
        )

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What it shows, without drawing anything."""
        return tuple(_modality(k) for k in range(len(self.shares[0])))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it asks, without drawing anything."""
        return tuple(
            Task(f"task_{number}", "regression", 1)
            if number < self.regressions
            else Task(f"task_{number}", "classification", self.classes)
            for number in range(len(self.shares))
        )

    def weights(self, task: int) -> NDArray[np.float64]:
        """Return (scores, modalities, factors): what each score of a task makes of the hidden
        numbers."""
        scores = 1 if task < self.regressions or self.classes == 2 else self.classes
        row = np.array(self.shares[task])
        size = (scores, len(row), self.factors)
        weights = Streams(self.seed)("synthetic/task", task).standard_normal(size)
        if self.relatedness:
            shape = (self.classes, len(row), self.factors)
            common = Streams(self.seed)("synthetic/related").standard_normal(shape)[:scores]
            weights = np.sqrt(1 - self.relatedness) * weights + np.sqrt(self.relatedness) * common
        return np.sqrt(row)[:, None] * weights / np.linalg.norm(weights, axis=2, keepdims=True)

    def lens(self, modality: int) -> NDArray[np.float64]:
        """Return (factors, numbers of a sample): the map through which a modality shows its hidden
        numbers."""
        size = (self.factors, int(np.prod(self.modalities[modality].shape)))
        found = Streams(self.seed)("synthetic/lens", modality).standard_normal(size)
        return found / np.linalg.norm(found, axis=0)

    def _target(self, hidden: NDArray[np.float64], task: int) -> NDArray[Any]:
        """(samples,) the score of a task, its sign, or the largest of its scores."""
        scores = np.einsum("nkf,ckf->nc", hidden, self.weights(task))
        if task < self.regressions:
            return scores[:, 0].astype(np.float32)
        if self.classes == 2:
            return (scores[:, 0] > 0).astype(np.int64)
        return scores.argmax(1)

    def _shown(
        self, modality: Modality, hidden: NDArray[np.float64], number: int
    ) -> NDArray[np.float32]:
        """Return the hidden numbers of a modality through its map, with noise."""
        lens = self.lens(number)
        size = (len(hidden), lens.shape[1])
        noise = Streams(self.seed)("synthetic/noise", number).standard_normal(size)
        return (hidden @ lens + self.noise * noise).reshape(-1, *modality.shape).astype(np.float32)


def _modality(number: int) -> Modality:
    shapes = {"vector": (12,), "imu": (3, 40), "series": (32,), "tabular": (6,)}
    kind = _KINDS[number % len(_KINDS)]
    return Modality(f"{kind}_{number}", shapes[kind], kind)
