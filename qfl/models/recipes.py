"""What a recipe offers: the modules of a model, how data flow through them, how they begin.

Recipes are frozen dataclasses of numbers, so that one architecture is built per recipe and shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from qfl.core.tasks import Modality, Task
from qfl.models.notes import Notes

Modules = Mapping[str, nn.Module]
"""Module id -> module."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a tensor begins: normal numbers of this spread, or a constant if the spread is zero."""

    spread: float = 0.0
    constant: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a model is shown.

    Attributes:
        inputs: modality -> (B, *shape); modalities that nobody has are left out.
        available: modality -> (B,) 1 where the sample has it, 0 where not; those not named are
            there for every sample.
    """

    inputs: Mapping[str, Tensor]
    available: Mapping[str, Tensor]


class Recipe(Protocol):
    """A way to build models out of modules."""

    def build(
        self, modalities: tuple[Modality, ...], tasks: tuple[Task, ...]
    ) -> dict[str, nn.Module]:
        """Return module id -> module, in model order."""
        ...

    def forward(
        self, modules: Modules, batch: Batch, tasks: tuple[Task, ...], notes: Notes
    ) -> dict[str, Tensor]:
        """Return task -> outputs."""
        ...

    def start(self, module: str, name: str, shape: tuple[int, ...]) -> Start:
        """Return how the tensor `name` of `module` begins."""
        ...

    def multiplications(self, modules: Modules) -> float:
        """Return the multiplications of one forward pass of one sample."""
        ...
