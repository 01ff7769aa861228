"""Checks of the arrays that users hand to problem builders; each raises one clear ProblemError."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ProblemError


def vector(name: str, values: ArrayLike, n: int | None = None) -> NDArray[np.float64]:
    """Return `values` as a finite float vector, of length `n` if that is given."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (n is not None and len(array) != n):
        wanted = "one-dimensional" if n is None else f"of shape ({n},)"
        raise ProblemError(f"{name} must be {wanted}, got shape {array.shape}")
    return _finite(name, array)


def symmetric(name: str, values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return `values` as a finite symmetric (n, n) matrix."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n, n):
        raise ProblemError(f"{name} must have shape ({n}, {n}), got {array.shape}")
    _finite(name, array)
    worst = np.unravel_index(np.argmax(np.abs(array - array.T)), array.shape)
    if not np.allclose(array, array.T, rtol=1e-9, atol=1e-12):
        i, j = int(worst[0]), int(worst[1])
        raise ProblemError(
            f"{name} must be symmetric, but [{i}, {j}] = {array[i, j]:g} and "
            f"[{j}, {i}] = {array[j, i]:g}; pass (M + M.T) / 2"
        )
    return array


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an integer in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ProblemError(f"{name} must be a whole number in {low}..{high}, got {value!r}")
    if not low <= value <= high:
        raise ProblemError(f"{name} must lie in {low}..{high}, got {value}")
    return int(value)


def finite(name: str, value: float) -> float:
    """Return `value` as a finite float."""
    return float(_finite(name, np.asarray(value, dtype=np.float64)))


def _finite(name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(bad[0].tolist())
        place = f"{list(where)}" if where else ""
        raise ProblemError(f"{name}{place} must be finite, got {array[where]}")
    return array
