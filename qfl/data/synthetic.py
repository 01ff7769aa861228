"""Made-up modalities and tasks, with a known answer to what each modality is worth for each task.

Every task asks for the sign of a weighted sum of hidden numbers. A modality shows some of the
hidden numbers through a fixed random linear map with noise, and a table says which hidden number
belongs to which modality. So `share(task, modality)` is the part of the variance of a task's score
that a modality alone can tell (before its noise), and shares add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Modality, Samples, Task

_FACTORS = 4
_KINDS = ("vector", "imu", "series", "tabular")


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

    def __post_init__(self) -> None:
        rows = {len(row) for row in self.shares}
        sums = [sum(row) for row in self.shares]
        if len(rows) != 1 or not np.allclose(sums, 1) or min(map(min, self.shares)) < 0:
            raise ConfigError(
                f"shares must be rows of one length, not negative, adding up to 1; "
                f"got {self.shares}"
            )

    def share(self, task: int, modality: int) -> float:
        """Return what part of a task's score a modality carries.

        >>> Synthetic().share(2, 0)
        0.5
        """
        return self.shares[task][modality]

    def load(self) -> Dataset:
        """Return the samples; the first task is a regression of the score, others its sign."""
        streams = Streams(self.seed)
        count = len(self.shares[0])
        hidden = streams("synthetic/hidden").standard_normal((self.samples, count, _FACTORS))
        group = np.arange(self.samples) % self.groups
        offsets = streams("synthetic/groups").standard_normal((self.groups, count, _FACTORS))
        hidden += self.group_shift * offsets[group]
        modalities = tuple(_modality(k) for k in range(count))
        inputs = {m.name: self._shown(m, hidden[:, k], k) for k, m in enumerate(modalities)}
        tasks, targets = [], {}
        for number, row in enumerate(self.shares):
            rng = streams("synthetic/task", number)
            weights = rng.standard_normal((count, _FACTORS))
            weights *= np.sqrt(row)[:, None] / np.linalg.norm(weights, axis=1, keepdims=True)
            score = np.einsum("nkf,kf->n", hidden, weights)
            name = f"task_{number}"
            if number == 0:
                tasks.append(Task(name, "regression", 1))
                targets[name] = score.astype(np.float32)
            else:
                tasks.append(Task(name, "classification", 2))
                targets[name] = (score > 0).astype(np.int64)
        return Dataset(
            name="synthetic",
            modalities=modalities,
            tasks=tuple(tasks),
            samples=Samples(np.arange(self.samples), inputs, targets),
            source="drawn by qfl.data.synthetic",
            licence="none needed",
            sha256=sha256_hex(repr(self).encode()),
            groups={"group": group.astype(np.int64)},
        )

    def _shown(
        self, modality: Modality, hidden: NDArray[np.float64], number: int
    ) -> NDArray[np.float32]:
        """Return the hidden numbers of a modality through its map, with noise."""
        size = int(np.prod(modality.shape))
        lens = Streams(self.seed)("synthetic/lens", number).standard_normal((_FACTORS, size))
        lens /= np.linalg.norm(lens, axis=0)
        noise = Streams(self.seed)("synthetic/noise", number).standard_normal((len(hidden), size))
        return (hidden @ lens + self.noise * noise).reshape(-1, *modality.shape).astype(np.float32)


def _modality(number: int) -> Modality:
    shapes = {"vector": (12,), "imu": (3, 40), "series": (32,), "tabular": (6,)}
    kind = _KINDS[number % len(_KINDS)]
    return Modality(f"{kind}_{number}", shapes[kind], kind)
