"""Where things stand in the sequence that a trunk sees: data, then the prompts of each task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of the tokens.

    Attributes:
        spans: (modality, number of tokens), in order.
        tasks: whose prompts follow.
        prompts: tokens per task.

    >>> Layout((("image", 16), ("audio", 8)), ("digit", "parity"), 4).data("audio")
    slice(16, 24, None)
    """

    spans: tuple[tuple[str, int], ...]
    tasks: tuple[str, ...]
    prompts: int

    @property
    def steps(self) -> int:
        """Number of data tokens."""
        return sum(count for _, count in self.spans)

    def data(self, modality: str) -> slice:
        """Return the places of a modality."""
        start = 0
        for name, count in self.spans:
            if name == modality:
                return slice(start, start + count)
            start += count
        raise KeyError(modality)

    def readout(self, task: str) -> slice:
        """Return the places of the prompts of `task`, counted from the end."""
        start = (self.tasks.index(task) - len(self.tasks)) * self.prompts
        return slice(start, start + self.prompts or None)

    def visible(self, present: Tensor) -> Tensor:
        """Return (B, L, L) bool: which places each place sees.

        Everybody sees the data that are there, and itself; prompts see those of their own task.

        Args:
            present: (B, steps) bool.
        """
        own = torch.from_numpy(_own(self)).to(present.device)
        data = torch.nn.functional.pad(present, (0, len(own) - self.steps))
        return data[:, None, :] | own

    def table(self, groups: tuple[str, ...], like: Tensor) -> Tensor:
        """Return (L, len(groups)) of 0 and 1: which group each place belongs to.

        Args:
            groups: names of modalities and tasks, "modality:..." and "task:...".
            like: gives precision and device.
        """
        return torch.from_numpy(_table(self, groups)).to(like)


@lru_cache(maxsize=256)
def _own(layout: Layout) -> NDArray[np.bool_]:
    """(L, L): itself, and for a prompt the prompts of its task."""
    task = np.arange(len(layout.tasks)).repeat(layout.prompts)
    found = np.eye(layout.steps + len(task), dtype=np.bool_)
    found[layout.steps :, layout.steps :] = task[:, None] == task
    return found


@lru_cache(maxsize=256)
def _table(layout: Layout, groups: tuple[str, ...]) -> NDArray[np.float32]:
    owners = [f"modality:{name}" for name, count in layout.spans for _ in range(count)]
    owners += [f"task:{task}" for task in layout.tasks for _ in range(layout.prompts)]
    return np.array([[owner == group for group in groups] for owner in owners], np.float32)
