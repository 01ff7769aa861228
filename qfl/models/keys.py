"""Names of modules. A model is a set of named modules, and a client holds a subset of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ANY = "*"


@dataclass(frozen=True, slots=True, order=True)
class ModuleKey:
    """What a module is and what it belongs to; "*" means shared.

    >>> str(ModuleKey("encoder", modality="image"))
    'encoder:image:*'
    """

    kind: str
    modality: str = ANY
    task: str = ANY

    def __str__(self) -> str:
        return f"{self.kind}:{self.modality}:{self.task}"


FUSION = ModuleKey("fusion")


def encoder_key(modality: str) -> ModuleKey:
    """Return the key of the encoder of `modality`."""
    return ModuleKey("encoder", modality=modality)


def head_key(task: str) -> ModuleKey:
    """Return the key of the head of `task`."""
    return ModuleKey("head", task=task)


def needed_modules(modalities: Iterable[str], tasks: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the modules that these modalities and tasks need, in model order."""
    keys = [*map(encoder_key, modalities), FUSION, *map(head_key, tasks)]
    return tuple(str(key) for key in keys)
