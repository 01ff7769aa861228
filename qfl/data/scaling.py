"""Numbers brought to mean 0 and variance 1, as seen by the training samples alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.tasks import Dataset, Modality, Samples

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
        rows: training rows; nothing else is looked at to find mean and spread.
    """
    kept = np.asarray(rows, dtype=np.intp)
    inputs = dict(data.samples.inputs)
    for modality in data.modalities:
        if modality.kind in _SCALED:
            inputs[modality.name] = _inputs(modality, inputs[modality.name], kept)
    targets = dict(data.samples.targets)
    for task in data.tasks:
        if task.kind == "regression":
            targets[task.name] = _scaled(targets[task.name], targets[task.name][kept], (0,))
    return replace(data, samples=Samples(data.samples.ids, inputs, targets))


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
