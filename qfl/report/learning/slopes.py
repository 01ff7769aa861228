"""How a result changes along a swept number: a slope per seed, then its interval over seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from qfl.core.metric import Metric
from qfl.core.metrics import OF_SCORES, metric
from qfl.core.rng import Streams
from qfl.report.deciding.decisions import axes
from qfl.report.learning.by_task import FEWEST_PAIRS
from qfl.report.runs.results import METHOD, Results, Run
from qfl.report.statistics.intervals import Interval, mean_interval
from qfl.report.statistics.outcomes import final_value
from qfl.report.tables import Table, TableCell, TableRow, plain_columns
from qfl.report.words import display

FEWEST_VALUES = 3
"""Values of an axis from which a slope is more than a difference."""

Pair = tuple[str, str]
Lines = dict[str, dict[int, float]]
"""Method -> seed -> slope."""


@dataclass(frozen=True, slots=True)
class Slope:
    """The change of one quantity per unit of an axis, of one method or of a difference of two.

    Attributes:
        axis: the swept number.
        place: the values of the other axes, as text.
        measured: what changes.
        method: a label, or two as "a minus b".
        span: least and greatest value of the axis.
        interval: mean over the seeds that have every value.
    """

    axis: str
    place: str
    measured: Metric
    method: str
    span: tuple[float, float]
    interval: Interval


def slopes(results: Results) -> tuple[Slope, ...]:
    """Return how the headline's metric at the end changes over every swept number of three values
    or more; where the sweep changes which pairs of a modality and a task are held, also how the
    mean score on the pairs held at every value does.

    The last of each group is the headline's method minus its baseline, seed by seed.
    """
    request = results.headline
    if request is None or not results.trains:
        return ()
    outcome = final_value(request.metric)
    found = []
    for axis in axes(results):
        for place, runs in _places(results, axis).items():
            asked = [(outcome.metric, outcome.read)]
            if common := _held_throughout(runs):
                asked.append((_ON_COMMON, partial(_score_on, pairs=common)))
            values = [float(run.row.cell.labels[axis]) for run in runs]
            for measured, read in asked:
                lines = _lines(runs, axis, read)
                lines |= _minus(lines, request.method, request.baseline)
                found += [
                    Slope(axis, place, measured, method, (min(values), max(values)), _mean(each))
                    for method, each in lines.items()
                ]
    return tuple(found)


def slope(curve: Mapping[float, float]) -> float:
    """Return the least-squares slope of y over x: exactly 0 where y is the same everywhere.

    >>> slope({0.0: 1.0, 1.0: 2.0, 2.0: 6.0}), slope({0.0: 0.9, 0.3: 0.9, 0.8: 0.9})
    (2.5, 0.0)
    """
    x, y = (np.array(list(values)) for values in (curve.keys(), curve.values()))
    return float((x - x.mean()) @ (y - y[0]) / ((x - x.mean()) ** 2).sum())


def slopes_table(results: Results) -> Table:
    """Return the slopes, with what each amounts to over the whole range."""
    found = slopes(results)
    placed = any(each.place for each in found)
    columns = plain_columns("over", *(["setting"] if placed else []), "of", "method")
    columns += plain_columns("slope per unit [95 % interval]|", "change over the range|")
    columns += plain_columns("seeds|", "reading")
    rows = []
    for each in found:
        low, high = each.span
        cells = (
            f"{display(each.axis)}, {low:g} to {high:g}",
            *([display(each.place)] if placed else []),
            each.measured.label,
            display(each.method),
            _bracketed(partial(_per_unit, each.measured), each.interval),
            each.measured.difference_text(each.interval.estimate * (high - low)),
            str(each.interval.n),
            _reading(each.interval),
        )
        rows.append(TableRow(tuple(TableCell(text, sort=text) for text in cells), each.method))
    return Table("slopes", "Along what was swept", columns, tuple(rows), _NOTE if found else "")


_NOTE = (
    "A least-squares line through the final values of each seed, then the mean slope over seeds; "
    "only seeds with a value everywhere take part. A slope is undecided where its interval "
    f"includes zero or has fewer than {FEWEST_PAIRS} seeds."
)
_ON_COMMON = replace(
    metric("score"),
    label="score on the pairs held throughout",
    definition="mean over tasks of accuracy or R², each task with the single modalities that "
    "clients hold for it at every value of the axis",
)


def _places(results: Results, axis: str) -> dict[str, tuple[Run, ...]]:
    """Return the runs that the axis touches, in the order of the study, by their other axes."""
    found: dict[str, list[Run]] = defaultdict(list)
    for method in results.methods:
        for run in results.runs:
            labels = run.row.cell.labels
            if run.method == method and axis in labels:
                rest = [f"{k} {labels[k]}" for k in sorted(labels) if k not in (METHOD, axis)]
                found[", ".join(rest)].append(run)
    return {place: tuple(runs) for place, runs in sorted(found.items())}


def _lines(runs: Sequence[Run], axis: str, read: Callable[[Run], float]) -> Lines:
    """Return the slope of each method and seed, of those with a number at every value."""
    curves: dict[str, dict[int, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        if not math.isnan(value := read(run)):
            curves[run.label][run.seed][float(run.row.cell.labels[axis])] = value
    found = {}
    for label, by_seed in curves.items():
        everywhere = {x for curve in by_seed.values() for x in curve}
        if len(everywhere) >= FEWEST_VALUES:
            found[label] = {s: slope(c) for s, c in by_seed.items() if c.keys() == everywhere}
    return {label: by_seed for label, by_seed in found.items() if by_seed}


def _minus(lines: Lines, method: str, baseline: str) -> Lines:
    both = lines.get(method, {}).keys() & lines.get(baseline, {}).keys()
    gaps = {seed: lines[method][seed] - lines[baseline][seed] for seed in sorted(both)}
    return {f"{method} minus {baseline}": gaps} if gaps else {}


def _mean(by_seed: Mapping[int, float]) -> Interval:
    return mean_interval(list(by_seed.values()), rng=Streams(0)("bootstrap"))


def _held_throughout(runs: Sequence[Run]) -> tuple[Pair, ...]:
    """Return the pairs that clients hold in all of these runs, empty if all hold the same."""
    held = {
        frozenset(
            pair
            for client in run.row.rounds[0].holdings.values()
            for pair in product(client["modalities"], client["tasks"])
        )
        for run in runs
    }
    return tuple(sorted(frozenset.intersection(*held))) if len(held) > 1 else ()


def _score_on(run: Run, pairs: Sequence[Pair]) -> float:
    """Return the mean over tasks of the final score with each of these modalities alone."""
    by_task: dict[str, list[float]] = defaultdict(list)
    for modality, task in pairs:
        values = [run.final(f"{task}.{measure}@{modality}") for measure in OF_SCORES]
        by_task[task] += [value for value in values if not math.isnan(value)] or [math.nan]
    return float(np.mean([np.mean(values) for values in by_task.values()]))


def _bracketed(text: Callable[[float], str], interval: Interval) -> str:
    if not interval.known:
        return f"{text(interval.estimate)} (one seed, no interval)"
    return f"{text(interval.estimate)} [{text(interval.low)}, {text(interval.high)}]"


def _per_unit(measured: Metric, value: float) -> str:
    """Return a slope with three digits; of percentages in points."""
    scale = 100.0 if measured.format.endswith("%") else 1.0
    return f"{scale * value:+.3g}".replace("-", "−")


def _reading(interval: Interval) -> str:
    if interval.n < FEWEST_PAIRS or not interval.excludes(0.0):
        return "undecided"
    return "rises" if interval.estimate > 0 else "falls"
