"""Clients whose data differ although their labels do not: other features, or other meanings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Shift = Literal["rotation", "noise", "gain"]


def feature_shift(
    inputs: NDArray[np.float32],
    parts: Sequence[NDArray[np.intp]],
    *,
    kind: Shift,
    strength: float = 1.0,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the inputs as each client sees them.

    Args:
        inputs: (n, *shape); rotation needs square pictures.
        parts: rows of each client; other rows stay as they are.
        kind: rotation turns the k-th client's pictures by k quarter turns; noise adds normal
            numbers whose spread grows evenly from 0 to `strength` over the clients; gain
            multiplies by one number per client, log-normal with spread `strength`.
        strength: how much; unused for rotation.
        rng: source of the draws.

    Raises:
        ConfigError: the kind is unknown, or pictures to be turned are not square.
    """
    shifted = inputs.copy()
    gains = np.exp(strength * rng.standard_normal(len(parts)))
    for k, rows in enumerate(parts):
        if kind == "rotation":
            if inputs.ndim < 3 or inputs.shape[1] != inputs.shape[2]:
                raise ConfigError(f"only square pictures can be turned, not {inputs.shape[1:]}")
            shifted[rows] = np.rot90(inputs[rows], k % 4, axes=(1, 2))
        elif kind == "noise":
            spread = strength * k / max(1, len(parts) - 1)
            noise = rng.standard_normal(inputs[rows].shape)
            shifted[rows] += (spread * noise).astype(np.float32)
        elif kind == "gain":
            shifted[rows] *= np.float32(gains[k])
        else:
            raise ConfigError(f"unknown shift {kind!r}; allowed: rotation, noise, gain")
    return shifted


def concept_shift(
    labels: NDArray[np.int64],
    parts: Sequence[NDArray[np.intp]],
    *,
    swaps: Sequence[tuple[int, int] | None],
) -> NDArray[np.int64]:
    """Return the labels with two of them swapped at some clients.

    Args:
        labels: (n,).
        parts: rows of each client.
        swaps: per client the pair of labels that it swaps, or None.

    >>> concept_shift(np.array([0, 1, 2, 0]), [np.array([0, 1]), np.array([2, 3])],
    ...               swaps=[(0, 1), None]).tolist()
    [1, 0, 2, 0]
    """
    if len(swaps) != len(parts):
        raise ConfigError(f"{len(parts)} clients and {len(swaps)} swaps; one per client is needed")
    shifted = labels.copy()
    for rows, swap in zip(parts, swaps, strict=True):
        if swap is not None:
            own = labels[rows]
            first, second = swap
            shifted[rows] = np.where(own == first, second, np.where(own == second, first, own))
    return shifted
