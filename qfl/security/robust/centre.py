"""Centres of a cloud of updates that outliers hardly move."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError
from qfl.security.robust.rows import Rows, checked_rows

_STEPS = 10_000


def median(updates: ArrayLike) -> Rows:
    """Return the coordinate-wise median; (d,).

    Reference: Yin, Chen, Kannan, Bartlett, ICML 2018.
    """
    return np.median(checked_rows(updates), axis=0)


def trimmed_mean(updates: ArrayLike, *, corrupted: int) -> Rows:
    """Return the coordinate-wise mean without the f largest and f smallest values; (d,).

    Reference: Yin, Chen, Kannan, Bartlett, ICML 2018.

    >>> trimmed_mean([[0.0], [1.0], [2.0], [900.0], [3.0]], corrupted=1).tolist()
    [2.0]
    """
    if corrupted < 0:
        raise ConfigError(f"{corrupted!r} corrupted clients; allowed: at least 0")
    rows = np.sort(checked_rows(updates, least=2 * corrupted + 1), axis=0)
    return rows[corrupted : len(rows) - corrupted].mean(axis=0)


def geometric_median(updates: ArrayLike, *, tolerance: float = 1e-12) -> Rows:
    """Return the point with the least sum of distances to all updates; (d,).

    Weiszfeld's iteration with the step of Vardi and Zhang (PNAS 97, 1423, 2000) where it meets
    an update.

    Args:
        updates: (n, d).
        tolerance: stop when a step is shorter than this times the spread of the updates.

    >>> geometric_median([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]).tolist()
    [1.0, 0.0]
    """
    rows = checked_rows(updates)
    point = np.median(rows, axis=0)
    spread = float(np.linalg.norm(rows - point, axis=1).max())
    for _ in range(_STEPS):
        distances = np.linalg.norm(rows - point, axis=1)
        away = distances > tolerance * spread
        if not away.any():
            return point
        weights = 1 / distances[away]
        target = (weights[:, None] * rows[away]).sum(axis=0) / weights.sum()
        here = int((~away).sum())
        if here:
            pull = float(np.linalg.norm((target - point) * weights.sum()))
            if pull <= here:
                return point
            target = point + (1 - here / pull) * (target - point)
        step = float(np.linalg.norm(target - point))
        point = target
        if step <= tolerance * spread:
            break
    return point


def norm_bounded_mean(updates: ArrayLike, *, bound: float) -> Rows:
    """Return the mean of the updates, each scaled down to a norm of at most `bound`; (d,).

    Reference: Sun, Kairouz, Suresh, McMahan, arXiv:1911.07963.

    >>> norm_bounded_mean([[1.0, 0.0], [0.0, 1e6]], bound=1.0).tolist()
    [0.5, 0.5]
    """
    if not bound > 0:
        raise ConfigError(f"a norm bound of {bound!r}; allowed: positive")
    rows = checked_rows(updates)
    norms = np.linalg.norm(rows, axis=1)
    scale = np.minimum(1.0, bound / np.maximum(norms, np.finfo(float).tiny))
    return (rows * scale[:, None]).mean(axis=0)
