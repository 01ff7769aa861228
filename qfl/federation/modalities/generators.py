"""Missing modalities guessed from those that are there, by regressions on public samples.

A regression from one modality to another has a row of offsets per class: the class embedding that
serves as a prompt. Without a prompt, as at every test, another regression answers that was fitted
without classes and takes no label at all. Nothing here is ever trained or sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples

_PENALTIES = tuple(10.0**power for power in range(-4, 5))
"""Ridge penalties to choose from, relative to the mean variance of an input."""
_FEWEST = 10

Shapes = Mapping[str, tuple[int, ...]]
"""Modality -> shape of one sample, in the order of a model."""


@dataclass(frozen=True, eq=False)
class Regression:
    """One modality from another: x @ weights + offset of the group.

    Attributes:
        weights: (p, q).
        offsets: (groups, q).
    """

    weights: Tensor
    offsets: Tensor

    @classmethod
    def fitted(
        cls, x: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.intp], count: int
    ) -> Regression:
        """Return the ridge regression with one slope and an offset per group; the penalty is the
        one with the least leave-one-out error. A group without samples has the offset of all.

        Args:
            x: (n, p) inputs.
            y: (n, q) outputs.
            groups: (n,) group of each sample, below `count`.
            count: number of groups.
        """
        mean_x, mean_y = _means(x, groups, count), _means(y, groups, count)
        u, s, vt = np.linalg.svd(x - mean_x[groups], full_matrices=False)
        rest = y - mean_y[groups]
        turned = u.T @ rest
        free = 1 - 1 / np.bincount(groups, minlength=count)[groups].clip(2)
        best, least = s * 0, np.inf
        for penalty in _PENALTIES:
            shrink = s**2 / (s**2 + penalty * max(float((s**2).mean()), 1e-12))
            left = (free - np.square(u) @ shrink).clip(1e-6)
            error = float(np.square((rest - u @ (shrink[:, None] * turned)) / left[:, None]).mean())
            if error < least:
                best, least = shrink, error
        slope = vt.T @ ((best / np.where(s > 0, s, 1.0))[:, None] * turned)
        return cls(_single(slope), _single(mean_y - mean_x @ slope))

    def __call__(self, x: Tensor, groups: Tensor) -> Tensor:
        """Return (n, q) guesses for (n, ...) inputs in the given groups."""
        return x.flatten(1) @ self.weights + self.offsets[groups]


@dataclass(frozen=True, eq=False)
class Generators:
    """A regression from every modality to every other one, with prompts and without.

    Attributes:
        shapes: of the modalities.
        plain, prompted: (from, to) -> regression; `prompted` has a group per class.
        prompt: the task whose classes are the prompts; None if no task has classes.
    """

    shapes: Shapes
    plain: Mapping[tuple[str, str], Regression]
    prompted: Mapping[tuple[str, str], Regression]
    prompt: Task | None

    @classmethod
    def fitted(cls, public: TensorSamples, tasks: tuple[Task, ...]) -> Generators:
        """Return generators fitted on complete public samples.

        Args:
            public: samples that no client holds.
            tasks: the first one with classes gives the prompts.

        Raises:
            ConfigError: there are too few samples.
        """
        n = len(public)
        if n < _FEWEST:
            raise ConfigError(f"{n} public samples fit no generator; it takes {_FEWEST} or more")
        prompt = next((task for task in tasks if task.kind == "classification"), None)
        flat = {name: x.flatten(1).double().numpy() for name, x in public.inputs.items()}
        pairs = [(a, b) for a in flat for b in flat if a != b]
        alike = np.zeros(n, dtype=np.intp)
        plain = {(a, b): Regression.fitted(flat[a], flat[b], alike, 1) for a, b in pairs}
        prompted = {}
        if prompt is not None:
            classes = public.targets[prompt.name].numpy()
            prompted = {
                (a, b): Regression.fitted(flat[a], flat[b], classes, prompt.outputs)
                for a, b in pairs
            }
        shapes = {name: tuple(x.shape[1:]) for name, x in public.inputs.items()}
        return cls(shapes, plain, prompted, prompt)

    @property
    def tensors(self) -> list[Tensor]:
        """All that was fitted."""
        fitted = (*self.plain.values(), *self.prompted.values())
        return [tensor for one in fitted for tensor in (one.weights, one.offsets)]

    def guess(self, samples: TensorSamples, modality: str, *, prompts: bool) -> Tensor:
        """Return (n, *shape) guesses: the mean of those from the other modalities a sample has.

        Args:
            samples: n of them.
            modality: what to guess; its own values are not looked at.
            prompts: whether known classes may be used.
        """
        total, count = torch.zeros(()), torch.zeros(())
        for other, x in samples.inputs.items():
            if other == modality:
                continue
            pair = other, modality
            there = samples.available.get(other, torch.ones(len(x)))[:, None]
            guess = self.plain[pair](x, torch.zeros(len(x), dtype=torch.int64))
            if prompts and self.prompt is not None and self.prompt.name in samples.targets:
                name = self.prompt.name
                told = self.prompted[pair](x, samples.targets[name])
                known = samples.labelled.get(name, torch.ones(len(x)))[:, None]
                guess = torch.where(known > 0, told, guess)
            total, count = total + there * guess, count + there
        return (total / count.clamp(min=1)).reshape(-1, *self.shapes[modality])


def _means(
    values: NDArray[np.float64], groups: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """(groups, ...) means; that of everything for a group without members."""
    found = np.tile(values.mean(0), (count, 1))
    for group in np.unique(groups):
        found[group] = values[groups == group].mean(0)
    return found


def _single(array: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
