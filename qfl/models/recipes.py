"""What a recipe offers: the modules of a model, how data flow through them, how they begin.

Recipes are frozen dataclasses of numbers, so that one architecture is built per recipe and shared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from qfl.core.tasks import Modality, Task
from qfl.models.keys import ANY, ModuleKey
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

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of modules that a model may have."""
        ...

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

    def path(
        self, modules: Iterable[str], task: Task, modalities: Collection[str]
    ) -> tuple[str, ...]:
        """Return the ids out of `modules` that the outputs of a task depend on when these
        modalities are shown, in the order given."""
        ...

    def start(self, module: str, name: str, shape: tuple[int, ...]) -> Start:
        """Return how the tensor `name` of `module` begins."""
        ...

    def multiplications(self, modules: Modules) -> float:
        """Return the multiplications of one forward pass of one sample."""
        ...


def shared_or_own(
    modules: Iterable[str], task: Task, modalities: Collection[str]
) -> tuple[str, ...]:
    """Return the ids out of `modules` that belong to no other modality and no other task.

    >>> shared_or_own(["head:*:digit", "head:*:parity"], Task("digit", "classification", 10), ["a"])
    ('head:*:digit',)
    """
    keys = {module: ModuleKey.parse(module) for module in modules}
    return tuple(
        module
        for module, key in keys.items()
        if key.modality in (ANY, *modalities) and key.task in (ANY, task.name)
    )
