"""Samples of several stages behind each other, and how many bytes they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Samples

Arrays = Mapping[str, NDArray[Any]]
_Part = tuple[Arrays, Arrays, int]
"""Arrays by name, the masks of some, and how many rows they have."""


def joined(parts: Sequence[Samples]) -> Samples:
    """Return samples behind each other; what some of them lack is zero there and masked.

    Args:
        parts: at least one.
    """
    if len(parts) == 1:
        return parts[0]
    inputs, available = _together([(p.inputs, p.available, len(p)) for p in parts])
    targets, labelled = _together([(p.targets, p.labelled, len(p)) for p in parts])
    ids = np.concatenate([part.ids for part in parts])
    return Samples(ids, inputs, targets, available, labelled)


def size_bytes(samples: Samples) -> int:
    """Return the bytes of what a client would have to keep: inputs, targets and masks."""
    tables = (samples.inputs, samples.targets, samples.available, samples.labelled)
    return sum(array.nbytes for table in tables for array in table.values())


def _together(parts: Sequence[_Part]) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    like = {name: array for arrays, _, _ in parts for name, array in arrays.items()}
    found = {
        name: np.concatenate(
            [
                arrays[name] if name in arrays else np.zeros((n, *array.shape[1:]), array.dtype)
                for arrays, _, n in parts
            ]
        )
        for name, array in like.items()
    }
    masked = [n for n in like if any(n in masks or n not in arrays for arrays, masks, _ in parts)]
    masks = {
        name: np.concatenate([m.get(name, np.full(n, name in arrays)) for arrays, m, n in parts])
        for name in masked
    }
    return found, masks
