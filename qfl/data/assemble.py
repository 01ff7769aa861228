"""From arrays to a `Dataset`: types fixed, shapes and numbers checked, source and licence told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.tasks import Dataset, Modality, Samples, Task
from qfl.data.catalog import Raw, entry, fingerprint

_INTEGERS = ("classification", "tagging")


def assemble(
    id: str,
    raw: Raw,
    *,
    modalities: Mapping[Modality, NDArray[Any]],
    tasks: Mapping[Task, NDArray[Any]],
    test_rows: NDArray[Any] | None = None,
    groups: Mapping[str, NDArray[Any]] | None = None,
) -> Dataset:
    """Return the data set `id` of the catalogue.

    Args:
        id: entry of the catalogue.
        raw: the arrays as distributed; their fingerprint identifies the data.
        modalities: specification -> (n, *shape).
        tasks: specification -> targets.
        test_rows: rows of the official test set.
        groups: natural key -> (n,) of anything sortable; numbered in sorted order.

    Raises:
        ConfigError: an input or a target is NaN or infinite, or has another shape than declared.
    """
    inputs = {m.name: np.asarray(array, dtype=np.float32) for m, array in modalities.items()}
    targets = {
        task.name: np.asarray(array, dtype=np.int64 if task.kind in _INTEGERS else np.float32)
        for task, array in tasks.items()
    }
    for name, array in {**inputs, **targets}.items():
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise ConfigError(f"{id}: {name} has {bad} values that are NaN or infinite")
    for modality in modalities:
        if inputs[modality.name].shape[1:] != modality.shape:
            raise ConfigError(
                f"{id}: {modality.name} has shape {inputs[modality.name].shape[1:]} "
                f"per sample, declared is {modality.shape}"
            )
    source = entry(id)
    return Dataset(
        name=id,
        modalities=tuple(modalities),
        tasks=tuple(tasks),
        samples=Samples(np.arange(len(next(iter(inputs.values())))), inputs, targets),
        source=f"{source.title} ({source.citation})",
        licence=source.licence,
        sha256=fingerprint(raw),
        test_rows=None if test_rows is None else np.asarray(test_rows, dtype=np.intp),
        groups={
            name: np.unique(keys, return_inverse=True)[1].astype(np.int64)
            for name, keys in (groups or {}).items()
        },
    )
