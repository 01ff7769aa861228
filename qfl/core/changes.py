"""Changes as vectors: what training did to some modules, flat, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.update import Tensors, Update


def change_of(after: Update, before: Update, modules: Iterable[str]) -> NDArray[np.float64]:
    """Return after - before, module by module as named, tensors by name; (d,).

    >>> old, new = (Update({"head:a": {"bias": np.full(2, x)}}, {"head:a": 1}) for x in (1.0, 4.0))
    >>> change_of(new, old, ["head:a"]).tolist()
    [3.0, 3.0]
    """
    return np.concatenate(
        [
            (after.modules[module][name].astype(np.float64) - before.modules[module][name]).ravel()
            for module in modules
            for name in sorted(after.modules[module])
        ]
    )


def changed_by(
    before: Update, change: NDArray[np.floating[Any]], modules: Iterable[str]
) -> dict[str, Tensors]:
    """Return the modules of `before` moved by a vector laid out as by `change_of`, float32.

    >>> old = Update({"head:a": {"bias": np.ones(2)}}, {"head:a": 1})
    >>> changed_by(old, np.array([1.0, 2.0]), ["head:a"])["head:a"]["bias"].tolist()
    [2.0, 3.0]
    """
    found: dict[str, Tensors] = {}
    start = 0
    for module in modules:
        tensors = {}
        for name in sorted(before.modules[module]):
            old = before.modules[module][name]
            piece = change[start : start + old.size].reshape(old.shape)
            tensors[name] = (old + piece).astype(np.float32)
            start += old.size
        found[module] = tensors
    return found


def length_of(update: Update, modules: Iterable[str]) -> int:
    """Return how many numbers some modules of an update hold."""
    return sum(tensor.size for module in modules for tensor in update.modules[module].values())
