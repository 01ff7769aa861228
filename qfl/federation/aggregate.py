"""Sums of updates, module by module. A sum is a monoid: any tree, any order, the same mean.

A module counts only the clients that hold it, so the weights of each module add to one over its
holders. A module that nobody sent has no entry: its global value stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ModuleMismatchError
from qfl.core.update import Update


@dataclass(frozen=True, eq=False)
class ModuleSum:
    """Sample-weighted sums of tensors, with the weights that went into each module.

    Attributes:
        totals: module -> tensor name -> sum of samples x tensor, float64.
        samples: module -> number of samples behind it, times the factors of the updates.
    """

    totals: Mapping[str, Mapping[str, NDArray[np.float64]]]
    samples: Mapping[str, float]

    @classmethod
    def zero(cls) -> ModuleSum:
        """Return the neutral element."""
        return cls({}, {})

    @classmethod
    def of(cls, update: Update, factor: float = 1) -> ModuleSum:
        """Return one update as a sum of one term.

        Args:
            update: what a client sent.
            factor: above 0; what each of its samples counts.

        Raises:
            ModuleMismatchError: a module claims no samples, or holds NaN or infinity.
        """
        running = _Running()
        running.add(update, factor)
        return running.sum()

    def __add__(self, other: ModuleSum) -> ModuleSum:
        totals, samples = dict(self.totals), dict(self.samples)
        for module, tensors in other.totals.items():
            totals[module] = _add(module, totals[module], tensors) if module in totals else tensors
            samples[module] = samples.get(module, 0) + other.samples[module]
        return ModuleSum(totals, samples)

    def mean(self) -> dict[str, dict[str, NDArray[np.float32]]]:
        """Return module -> tensor name -> mean over the holders, float32."""
        return {
            module: {
                name: (total / self.samples[module]).astype(np.float32)
                for name, total in tensors.items()
            }
            for module, tensors in self.totals.items()
        }


def weighted_mean(
    updates: Iterable[Update], factors: Sequence[float] | None = None
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Return the module-wise mean of `updates`, weighted by samples, over the holders.

    Args:
        updates: of any modules.
        factors: what each sample of an update counts, above 0; None counts all alike.

    Raises:
        ModuleMismatchError: a module claims no samples, holds NaN or infinity, or has other tensors
            than that of another sender.
    """
    each, running = list(updates), _Running()
    counts = factors if factors is not None else [1] * len(each)
    for update, factor in zip(each, counts, strict=True):
        running.add(update, factor)
    return running.sum().mean()


class _Running:
    """A sum that grows in place: the bits of `ModuleSum` added up one by one, in a fifth of the
    time."""

    def __init__(self) -> None:
        self._totals: dict[str, dict[str, NDArray[np.float64]]] = {}
        self._samples: dict[str, float] = {}

    def add(self, update: Update, factor: float) -> None:
        """Add one update, each sample of which counts `factor`."""
        for module, tensors in update.modules.items():
            claimed = update.samples[module]
            if claimed <= 0:
                raise ModuleMismatchError(f"{module} claims {claimed} samples; a sender needs >= 1")
            count = claimed * factor
            terms = {n: np.multiply(t, count, dtype=np.float64) for n, t in tensors.items()}
            if module not in self._totals:
                self._totals[module], self._samples[module] = terms, count
                continue
            totals = self._totals[module]
            _check_alike(module, totals, terms)
            for name, term in terms.items():
                totals[name] += term
            self._samples[module] += count

    def sum(self) -> ModuleSum:
        """Return the sum so far."""
        for module, tensors in self._totals.items():
            if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
                raise ModuleMismatchError(f"{module} holds NaN or infinity and was not aggregated")
        return ModuleSum(self._totals, self._samples)


def _add(
    module: str,
    left: Mapping[str, NDArray[np.float64]],
    right: Mapping[str, NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
    """Add the tensors of one module."""
    _check_alike(module, left, right)
    return {name: left[name] + right[name] for name in left}


def _check_alike(module: str, *sides: Mapping[str, NDArray[np.float64]]) -> None:
    """Both sides must hold the same tensors."""
    shapes = [{name: tensor.shape for name, tensor in side.items()} for side in sides]
    if shapes[0] != shapes[1]:
        raise ModuleMismatchError(f"{module} cannot be added: tensors {shapes[0]} and {shapes[1]}")
