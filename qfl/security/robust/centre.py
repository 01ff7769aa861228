"""Centres of a cloud of updates that outliers hardly move."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.security.robust.rows import Rows, checked_rows

_STEPS = 1000
_HALVINGS = 40
_ROUNDING = 1e-13


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

    An update is that point if all others together do not pull it away; on a line two neighbours
    may be, and then it is their middle. Otherwise one step of Vardi and Zhang from the best update
    leads below all of them, and Newton's method from there to the end.

    Args:
        updates: (n, d).
        tolerance: stop when a step is shorter than this times the spread of the updates.

    References: Kuhn, Math. Program. 4, 98 (1973), which points are optimal; Vardi, Zhang, PNAS
    97, 1423 (2000).

    >>> geometric_median([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]).tolist()
    [1.0, 0.0]
    """
    rows, votes = np.unique(checked_rows(updates), axis=0, return_counts=True)
    origin = np.median(rows, axis=0)
    basis, points = _within_their_span(rows - origin)
    spread = float(np.linalg.norm(points, axis=1).max())
    pulls = [_pull(points, votes, at) for at in range(len(points))]
    lengths = np.array([np.linalg.norm(pull) for pull, _ in pulls])
    best = lengths <= votes * (1 + _ROUNDING)
    if best.any():
        return rows[best].mean(axis=0)
    start = int(np.argmin([_distances(points, at) @ votes for at in points]))
    pull, weight = pulls[start]
    point = points[start] + (1 - votes[start] / lengths[start]) / weight * pull
    for _ in range(_STEPS):
        step = _descent(points, votes, point)
        point = point + step
        if np.linalg.norm(step) <= tolerance * spread:
            break
    return origin + basis @ point


def _within_their_span(rows: Rows) -> tuple[Rows, Rows]:
    """Return an orthonormal basis, (d, r), and the rows in it, (n, r) with r <= n."""
    if rows.shape[1] <= len(rows):
        return np.eye(rows.shape[1]), rows
    basis, points = np.linalg.qr(rows.T)
    return basis, points.T


def _distances(points: Rows, place: Rows) -> Rows:
    return np.linalg.norm(points - place, axis=1)


def _pull(points: Rows, votes: NDArray[np.int64], at: int) -> tuple[Rows, float]:
    """Return the force of all other points on one, and the weight of a step along it."""
    away = np.arange(len(points)) != at
    weights = votes[away] / _distances(points[away], points[at])
    return weights @ (points[away] - points[at]), float(weights.sum())


def _descent(points: Rows, votes: NDArray[np.int64], place: Rows) -> Rows:
    """Return a step that does not lead upwards: Newton's, shorter if need be."""
    apart = points - place
    distances = np.linalg.norm(apart, axis=1)
    weights = votes / distances
    units = apart / distances[:, None]
    curvature = np.diag(np.full(len(place), weights.sum())) - (units.T * weights) @ units
    step = np.linalg.lstsq(curvature, weights @ apart, rcond=None)[0]
    allowed = distances @ votes * (1 + _ROUNDING)
    for _ in range(_HALVINGS):
        if _distances(points, place + step) @ votes <= allowed:
            return step
        step = step / 2
    return weights @ apart / weights.sum()


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
