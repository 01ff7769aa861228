"""Numbers brought to mean 0 and variance 1, as seen by the training samples alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.core.tasks import Dataset, Modality

_SCALED = ("vector", "tabular", "imu", "sensor", "frames")
"""Kinds of which the raw numbers have units. Pictures, sound, series and text need no scaling:
they are scaled when loaded, or by their encoder."""


def standardised(data: Dataset, rows: ArrayLike) -> Dataset:
    """Return `data` with inputs that have units, and regression targets, standardised.

    Each number of a sample is scaled by itself (cycles of a sensor are aligned, and what tells is
    often a small change at one step), the steps of motion and of frames channel by channel.
    Categories stay codes. What is constant in `rows` becomes 0.

    Args:
        data: as loaded.
        rows: training rows; nothing else is looked at to find mean and spread, nor what is hidden
            in them.

    Raises:
        ConfigError: none of the rows has a modality or a label that is to be scaled.
    """
    kept, samples = np.asarray(rows, dtype=np.intp), data.samples
    inputs, targets = dict(samples.inputs), dict(samples.targets)
    for modality in data.modalities:
        if modality.kind in _SCALED:
            seen = _seen(modality.name, kept, samples.available)
            inputs[modality.name] = _inputs(modality, inputs[modality.name], seen)
    for task in data.tasks:
        if task.kind == "regression":
            seen = _seen(task.name, kept, samples.labelled)
            targets[task.name] = _scaled(targets[task.name], targets[task.name][seen], (0,))
    return replace(data, samples=replace(samples, inputs=inputs, targets=targets))


def _seen(
    name: str, rows: NDArray[np.intp], masks: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """Return those of the rows in which it is not hidden."""
    seen = rows[masks[name][rows]] if name in masks else rows
    if not len(seen):
        raise ConfigError(f"none of {len(rows)} training samples has {name!r}; nothing to scale by")
    return seen


def _inputs(
    modality: Modality, values: NDArray[np.float32], rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    axes = {"imu": (0, 2), "frames": (0, 2)}.get(modality.kind, (0,))
    scaled = _scaled(values, values[rows], axes)
    if modality.levels:
        scaled = np.where(np.array(modality.levels) > 0, values, scaled)
    return scaled


def _scaled(
    values: NDArray[np.float32], seen: NDArray[np.float32], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    wide = seen.astype(np.float64)
    mean, spread = wide.mean(axes, keepdims=True), wide.std(axes, keepdims=True)
    return ((values - mean) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
