"""Learning curves over seeds, against rounds, virtual seconds, bytes or real seconds.

Against rounds, curves are summarised where they were measured. Against anything else, seeds were
measured at different points: the value at a point is the last one measured by then, and a curve
ends where its first seed ends, so every point summarises all seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.rng import Streams
from qfl.report.runs.results import AXES, Results, Run
from qfl.report.statistics.intervals import Band, band

MOST_POINTS = 2_000
"""Points of one curve beyond which it is thinned."""

_GRID = 41


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one method in one setting against one axis.

    Attributes:
        x: (points,) where `band` summarises the seeds.
        thinned: points were left out.
    """

    metric: str
    axis: str
    setting: str
    method: str
    x: NDArray[np.float64]
    band: Band
    thinned: bool


def curves(results: Results, metric_name: str) -> tuple[Curve, ...]:
    """Return the curves of one metric for every axis, setting and method that has it."""
    found = []
    for axis in AXES:
        for setting in results.settings:
            for method in results.methods:
                runs = [r for r in results.of(setting, method) if r.curve(metric_name).size > 1]
                if runs and (axis == "round" or _spends(runs, axis, metric_name)):
                    found.append(_curve(runs, axis, metric_name))
    return tuple(found)


def _spends(runs: list[Run], axis: str, name: str) -> bool:
    return all(run.axis(axis, name)[-1] > 0 for run in runs)


def _curve(runs: list[Run], axis: str, name: str) -> Curve:
    spent = [run.axis(axis, name) for run in runs]
    if axis == "round":
        x = np.array(sorted(set.intersection(*(set(points.tolist()) for points in spent))))
    else:
        x = np.linspace(0.0, min(float(points[-1]) for points in spent), _GRID)
    table = np.array(
        [_last_by(points, run.curve(name), x) for points, run in zip(spent, runs, strict=True)]
    )
    keep = thin(x.size, MOST_POINTS)
    return Curve(
        metric=name,
        axis=axis,
        setting=runs[0].setting,
        method=runs[0].method,
        x=x[keep],
        band=band(table[:, keep], rng=Streams(0)("bootstrap")),
        thinned=x.size > MOST_POINTS,
    )


def thin(points: int, most: int) -> NDArray[np.intp]:
    """Return at most `most` evenly spaced indices of `points`, both ends among them.

    >>> thin(5, 3).tolist()
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, points - 1, min(points, most)).round().astype(np.intp))


def _last_by(
    spent: NDArray[np.float64], values: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the last value measured when `x` had been spent."""
    return values[np.clip(np.searchsorted(spent, x, side="right") - 1, 0, None)]
