"""Who takes part: clients with their data, devices and links, and a test set nobody trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.tasks import Modality, Samples, Task
from qfl.network.links import AccessLink, Device


@dataclass(frozen=True, eq=False)
class Client:
    """One participant.

    Attributes:
        name: unique among the participants.
        modalities, tasks: what it has and what it is asked; it holds only the modules for these.
        train, test: its own samples with its own modalities and tasks; disjoint.
        device, access: how fast it computes and sends.
    """

    name: str
    modalities: tuple[Modality, ...]
    tasks: tuple[Task, ...]
    train: Samples
    test: Samples
    device: Device
    access: AccessLink

    def __post_init__(self) -> None:
        if not (len(self.train) and len(self.test) and self.modalities and self.tasks):
            raise ConfigError(
                f"{self.name} has {len(self.train)} training and {len(self.test)} test samples, "
                f"{len(self.modalities)} modalities and {len(self.tasks)} tasks; "
                "a client needs at least one of each"
            )


@dataclass(frozen=True, eq=False)
class Population:
    """All participants of one federation.

    Attributes:
        clients: in a fixed order; the k-th variable of a selection problem is the k-th client.
        test: held-out samples with all modalities and tasks.
        modalities, tasks: of the whole federation.
        interference: (n, n) 1 where two clients disturb each other's uploads, else 0.
        facts: what a report states about the realised data, such as "label_total_variation".
        spare: samples with all modalities and tasks that no client trains on and that are not in
            `test`: the clients' local test splits, for a server that needs clean ones of its own.
    """

    clients: tuple[Client, ...]
    test: Samples
    modalities: tuple[Modality, ...]
    tasks: tuple[Task, ...]
    interference: NDArray[np.float64]
    facts: Mapping[str, float]
    spare: Samples


def to_tensor(array: NDArray[Any]) -> Tensor:
    """Return a copy of `array` in torch's own memory.

    Matrix products of the processor libraries round differently for differently aligned memory;
    numpy aligns to 16 bytes, torch to 64, always. Sharing memory would cost bitwise repeats.
    """
    return torch.from_numpy(np.array(array)).clone()


@dataclass(frozen=True, eq=False)
class TensorSamples:
    """Samples as torch tensors."""

    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]

    @classmethod
    def of(cls, samples: Samples) -> TensorSamples:
        """Return `samples` as tensors."""
        return cls(
            {name: to_tensor(array) for name, array in samples.inputs.items()},
            {name: to_tensor(array) for name, array in samples.targets.items()},
        )

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def take(self, rows: Tensor) -> TensorSamples:
        """Return the samples at `rows`."""
        return TensorSamples(
            {name: tensor[rows] for name, tensor in self.inputs.items()},
            {name: tensor[rows] for name, tensor in self.targets.items()},
        )
