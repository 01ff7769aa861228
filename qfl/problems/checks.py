"""Checks of the arrays that users hand to problem builders; each raises one clear ProblemError."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ProblemError


def vector(name: str, values: ArrayLike, n: int | None = None) -> NDArray[np.float64]:
    """Return `values` as a finite float vector, of length `n` if that is given."""
    array = _real(name, values)
    if array.ndim != 1 or not array.size or (n is not None and len(array) != n):
        wanted = "one-dimensional and not empty" if n is None else f"of shape ({n},)"
        raise ProblemError(f"{name} must be {wanted}, got shape {array.shape}")
    return _finite(name, array)


def symmetric(name: str, values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return `values` as a finite symmetric (n, n) matrix."""
    array = _real(name, values)
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


def square(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a finite symmetric matrix of any size from 1."""
    array = _real(name, values)
    if array.ndim != 2 or not array.size:
        raise ProblemError(f"{name} must be a square matrix, got shape {array.shape}")
    return symmetric(name, array, len(array))


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an integer in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ProblemError(f"{name} must be a whole number in {low}..{high}, got {value!r}")
    if not low <= value <= high:
        raise ProblemError(f"{name} must lie in {low}..{high}, got {value}")
    return int(value)


def finite(name: str, value: float) -> float:
    """Return `value` as a finite float."""
    array = _real(name, value)
    if array.ndim:
        raise ProblemError(f"{name} must be one number, got {value!r}")
    return float(_finite(name, array))


def within(name: str, value: float, low: float, high: float = np.inf) -> float:
    """Return `value` as a float in low..high, or above `low` if there is no other end."""
    number = finite(name, value)
    if high == np.inf and number <= low:
        raise ProblemError(f"{name} must be above {low:g}, got {number:g}")
    if not low <= number <= high:
        raise ProblemError(f"{name} must lie in {low:g}..{high:g}, got {number:g}")
    return number


def _real(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(values)
        if np.iscomplexobj(array):
            raise ProblemError(f"{name} must hold real numbers, got {array.dtype} ones")
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError(
            f"{name} must hold real numbers in rows of one length, got {values!r}"
        ) from None


def _finite(name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(bad[0].tolist())
        place = f"{list(where)}" if where else ""
        raise ProblemError(f"{name}{place} must be finite, got {array[where]}")
    return array
