"""Krum and what is built from it: the update in the densest company wins.

References: Blanchard, El Mhamdi, Guerraoui, Stainer, NeurIPS 2017 (Krum, Multi-Krum);
El Mhamdi, Guerraoui, Rouault, ICML 2018 (Bulyan).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError
from qfl.security.robust.rows import Rows, checked_rows

_TIE = 1e-9


def krum_scores(updates: ArrayLike, *, corrupted: int) -> Rows:
    """Return each update's sum of the n-f-2 smallest squared distances to the others; (n,).

    Args:
        updates: (n, d).
        corrupted: f; n must be at least 2f+3.

    >>> krum_scores([[0.0], [0.1], [0.2], [9.0], [0.1]], corrupted=1).round(2).tolist()
    [0.02, 0.01, 0.02, 156.65, 0.01]
    """
    _check_count(corrupted)
    rows = checked_rows(updates, least=2 * corrupted + 3)
    kept = len(rows) - corrupted - 2
    scores = np.empty(len(rows))
    for index, row in enumerate(rows):
        distances = ((rows - row) ** 2).sum(axis=1)
        others = np.delete(distances, index)
        scores[index] = np.sort(others)[:kept].sum()
    return scores


def krum(updates: ArrayLike, *, corrupted: int) -> Rows:
    """Return the update with the least score; (d,).

    Of equal scores the lexicographically smallest update wins, whatever the order of clients.
    """
    rows = checked_rows(updates)
    return rows[_ranking(rows, corrupted)[0]]


def multi_krum(updates: ArrayLike, *, corrupted: int, keep: int | None = None) -> Rows:
    """Return the mean of the `keep` updates of least score; by default n - f.

    >>> multi_krum([[0.0], [0.1], [0.2], [9.0], [0.1]], corrupted=1).round(12).tolist()
    [0.1]
    """
    rows = checked_rows(updates)
    keep = len(rows) - corrupted if keep is None else keep
    if not 1 <= keep <= len(rows):
        raise ConfigError(f"keep is {keep!r} of {len(rows)} updates; allowed: 1 to all")
    return rows[_ranking(rows, corrupted)[:keep]].mean(axis=0)


def bulyan(updates: ArrayLike, *, corrupted: int) -> Rows:
    """Return, per coordinate, the mean of the values nearest to the median of n-2f Krum choices.

    Args:
        updates: (n, d).
        corrupted: f; n must be at least 4f+3.
    """
    _check_count(corrupted)
    rows = checked_rows(updates, least=4 * corrupted + 3)
    wanted = len(rows) - 2 * corrupted
    chosen: list[Rows] = []
    while len(chosen) < wanted:
        # With few rows left, the last choices are made among them all.
        tolerated = min(corrupted, max(0, (len(rows) - 3) // 2))
        best = _ranking(rows, tolerated)[0] if len(rows) >= 3 else 0
        chosen.append(rows[best])
        rows = np.delete(rows, best, axis=0)
    stack = np.sort(np.stack(chosen), axis=0)
    distance = np.abs(stack - np.median(stack, axis=0))
    nearest = np.argsort(distance, axis=0, kind="stable")[: wanted - 2 * corrupted]
    return np.take_along_axis(stack, nearest, axis=0).mean(axis=0)


def _ranking(rows: Rows, corrupted: int) -> list[int]:
    """Return all indices, best first; scores that differ by rounding alone count as equal."""
    scores = krum_scores(rows, corrupted=corrupted)
    order = np.argsort(scores, kind="stable")
    gaps = np.diff(scores[order]) > _TIE * (np.abs(scores[order][1:]) + np.finfo(float).tiny)
    place = np.empty(len(rows), np.int64)
    place[order] = np.concatenate([[0], np.cumsum(gaps)])
    return sorted(range(len(rows)), key=lambda i: (int(place[i]), rows[i].tolist()))


def _check_count(corrupted: int) -> None:
    if corrupted < 0:
        raise ConfigError(f"{corrupted!r} corrupted clients; allowed: at least 0")
