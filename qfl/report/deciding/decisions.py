"""Solvers against each other on instances: by size, by axis, pair by pair, against samples.

An instance is a seed in a setting; its repetitions are averaged first. Finished tables and rows
only; nothing is drawn here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.metric import Metric
from qfl.core.metrics import metric
from qfl.core.rng import Streams
from qfl.report.runs.readings import seconds_to_solution
from qfl.report.runs.results import METHOD, Results, Run
from qfl.report.statistics.intervals import Interval, mean_interval
from qfl.report.statistics.outcomes import Summary, named
from qfl.report.statistics.significance import Ranks, friedman, rank_refusal
from qfl.report.tables import EMPTY, Table, TableCell, TableColumn, TableRow, interval_cell
from qfl.report.words import display, listed

TIE_ENERGY, TIE_SECONDS = 1e-9, 0.1
"""Ratios closer than this, and times within this share of each other, are ties."""


@dataclass(frozen=True, slots=True)
class Point:
    """One outcome of one method at one value of an axis, over instances.

    Attributes:
        line: methods of one line are told apart by the axis alone.
        x: the value of the axis.
    """

    line: str
    method: str
    setting: str
    x: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Growth:
    """The chance to have seen the optimum after so many samples, mean over instances."""

    method: str
    setting: str
    samples: NDArray[np.float64]
    chance: NDArray[np.float64]


def by_setting(results: Results, summaries: Sequence[Summary], name: str) -> Table:
    """Return methods as rows and settings as columns, one outcome in the cells."""
    found = {(s.setting, s.method): s for s in summaries if s.outcome.metric.name == name}
    measured = metric(name)
    settings = [s for s in results.settings if any(place == s for place, _ in found)]
    columns = (
        TableColumn("method", "method", numeric=False),
        *(TableColumn(s, display(s) or measured.label, measured.arrow) for s in settings),
    )
    best = {s: _best(measured, [v for (p, _), v in found.items() if p == s]) for s in settings}
    rows = [
        TableRow(
            (
                TableCell(display(method), sort=results.methods.index(method)),
                *(_marked(found.get((s, method)), best[s]) for s in settings),
            ),
            method,
        )
        for method in results.methods
        if any(m == method for _, m in found)
    ]
    caption = f"{measured.label[:1].upper()}{measured.label[1:]}, by method and size"
    note = f"{measured.definition[:1].upper()}{measured.definition[1:]}."
    return Table(f"by-{name.replace('_', '-')}", caption, columns, tuple(rows), note)


def wins_table(results: Results) -> Table:
    """Return wins, ties and losses of every method against the classical ones, at equal samples."""
    read = named("approximation_ratio").read
    return _wins(
        results,
        {run.row.cell.id: read(run) for run in results.runs},
        lambda a, b: 0 if abs(a - b) <= TIE_ENERGY else 1 if a > b else -1,
        key="wins",
        caption="Wins, ties and losses: approximation ratio with the samples given",
    )


def time_wins_table(results: Results) -> Table:
    """Return wins, ties and losses in the real time to solution."""
    return _wins(
        results,
        {run.row.cell.id: seconds_to_solution(run) for run in results.runs},
        _faster,
        key="time-wins",
        caption="Wins, ties and losses: real time to solution",
    )


def _faster(a: float, b: float) -> int:
    """Return 1 if `a` seconds are less than `b`, 0 for a tie; never loses against any time.

    >>> _faster(1.0, 2.0), _faster(1.0, 1.05), _faster(math.inf, 2.0), _faster(math.inf, math.inf)
    (1, 0, -1, 0)
    """
    if a == b or (math.isfinite(a + b) and abs(a - b) <= TIE_SECONDS * max(a, b)):
        return 0
    return 1 if a < b else -1


def _wins(
    results: Results,
    values: Mapping[str, float],
    compare: Callable[[float, float], int],
    *,
    key: str,
    caption: str,
) -> Table:
    met: dict[str, dict[str, float]] = defaultdict(dict)
    for run in () if results.trains else results.runs:
        if not math.isnan(value := values[run.row.cell.id]):
            met[run.method][run.pairing] = value
    measuring = {run.method for run in results.runs if any(c.qubits for c in run.choices())}
    rivals = [method for method in results.plain() if met[method] and method not in measuring]
    label = results.headline.method if results.headline else ""
    asked = "".join(results.variants(label)[-1:])
    outcome: dict[bool, list[str]] = {True: [], False: []}
    rows = []
    for method in results.methods:
        cells = [TableCell(display(method), sort=results.methods.index(method))]
        for rival in rivals:
            common = met[method].keys() & met[rival].keys()
            seen = [compare(met[method][p], met[rival][p]) for p in common]
            won, tied, lost = (seen.count(sign) for sign in (1, 0, -1))
            text = "–" if method == rival or not seen else f"{won} / {tied} / {lost}"
            cells.append(TableCell(text, sort=won - lost))
            if method == asked != rival and won != lost:
                outcome[won > lost].append(f"{display(rival)} ({won} to {lost})")
        if met[method]:
            rows.append(TableRow(tuple(cells), method))
    columns = [TableColumn("method", "method", numeric=False)]
    columns += [TableColumn(rival, f"against {display(rival)}") for rival in rivals]
    finding = (
        f"{display(asked)} wins more often than it loses against "
        f"{listed(outcome[True]) or 'none'}, and loses more often against "
        f"{listed(outcome[False]) or 'none'}."
    )
    note = (
        f"Over {len(instances(results))} {results.unit}s of all sizes, repetitions averaged first. "
        "Read a row: how often its method is better / equal / worse than that of the column. "
        f"{finding}"
    )
    shown = tuple(rows) if len(rivals) else ()
    return Table(key, caption, tuple(columns), shown, note, finding)


def instances(results: Results) -> tuple[str, ...]:
    """Return the instances that some method decided, as pairing keys."""
    return tuple(sorted({run.pairing for run in results.runs}))


def ranks(results: Results, name: str) -> tuple[Ranks, tuple[str, ...]] | str:
    """Return Friedman's test of one outcome with instances as blocks, or why there is none.

    Of methods with axes of their own the last variant takes part; blocks are instances that all
    of them decided.
    """
    methods, outcome = results.representatives(), named(name)
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for run in results.runs:
        if run.method in methods and not math.isnan(value := outcome.read(run)):
            table[run.pairing][run.method] = value
    rows = [[row[m] for m in methods] for row in table.values() if len(row) == len(methods)]
    if refusal := rank_refusal(len(rows), len(methods)):
        return refusal
    better = bool(outcome.metric.higher_is_better)
    return friedman(np.round(rows, 9), higher_is_better=better), methods


def axes(results: Results) -> tuple[str, ...]:
    """Return the numeric axes of the study with at least two values."""
    values: dict[str, set[str]] = defaultdict(set)
    for run in results.runs:
        for axis, text in run.row.cell.labels.items():
            values[axis].add(text)
    return tuple(
        axis
        for axis, texts in values.items()
        if axis != METHOD and len(texts) > 1 and all(_number(text) is not None for text in texts)
    )


def points(results: Results, name: str, axis: str) -> tuple[Point, ...]:
    """Return one outcome along one axis, method by method.

    Methods that the axis does not touch are drawn at each of its values. Where all methods share
    the axis, only one variant per label takes part.
    """
    outcome = named(name)
    own = {run.label for run in results.runs if axis in _own(run)}
    kept = results.methods if own else results.representatives()
    groups: dict[tuple[str, str, str, float | None], list[float]] = defaultdict(list)
    for run in results.runs:
        at, value = _number(run.row.cell.labels.get(axis, "")), outcome.read(run)
        if run.method not in kept or math.isnan(value) or (at is None and run.label in own):
            continue
        place = run.setting if own else _without(run.setting, axis)
        groups[run.label if own else run.method, run.method, place, at].append(value)
    everywhere = sorted({at for *_, at in groups if at is not None})
    intervals = {k: mean_interval(v, rng=Streams(0)("bootstrap")) for k, v in groups.items()}
    return tuple(
        Point(line, method, setting, x, intervals[line, method, place, at])
        for line, method, place, at in sorted(groups, key=lambda key: key[3] or 0.0)
        for setting in results.settings
        if place == (setting if own else _without(setting, axis))
        for x in (everywhere if at is None else [at])
    )


def growth(results: Results, *, most: int = 1000) -> tuple[Growth, ...]:
    """Return how the chance to have seen the optimum grows with samples, where it is known."""
    samples = np.unique(np.geomspace(1, most, 25).round())
    found = []
    for setting in results.settings:
        for method in results.representatives():
            known = [
                choices[0].figures().get("optimum_probability")
                for run in results.of(setting, method)
                if (choices := run.choices())
            ]
            one = np.array([p for p in known if p is not None])
            if one.size:
                chance = (1.0 - (1.0 - one[:, None]) ** samples).mean(axis=0)
                found.append(Growth(method, setting, samples, chance))
    return tuple(found)


def _own(run: Run) -> set[str]:
    """Return the axes that only some methods have."""
    return {axis for axis in run.row.cell.labels if f"{axis} " in run.method[len(run.label) :]}


def _without(setting: str, axis: str) -> str:
    """Return a setting without one of its axes."""
    return ", ".join(part for part in setting.split(", ") if not part.startswith(f"{axis} "))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _best(measured: Metric, found: Sequence[Summary]) -> float:
    values = [summary.interval.estimate for summary in found]
    if measured.higher_is_better is None or len(set(values)) < 2:
        return math.nan
    return max(values) if measured.higher_is_better else min(values)


def _marked(summary: Summary | None, best: float) -> TableCell:
    if summary is None:
        return EMPTY
    return interval_cell(summary, mark="best" if summary.interval.estimate == best else "")
