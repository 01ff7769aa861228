"""Finished tables: every cell already text, with what a page needs to sort and mark it.

A table knows no HTML; `writing.page` renders it, `writing.summary` writes it as Markdown, CSV and
TeX. Best values are bold; a tie is a paired interval that includes zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from qfl.core.metric import Metric
from qfl.report.runs.results import Results
from qfl.report.statistics.compare import difference
from qfl.report.statistics.intervals import Interval
from qfl.report.statistics.outcomes import Group, Summary
from qfl.report.words import display

Mark = Literal["", "best", "tie"]


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell.

    Attributes:
        text: the value as printed.
        spread: "± 0.8" or "[1.2, 3.4]", or "".
        n: seeds or trials behind it, "" where that is meaningless.
        sort: what sorting compares.
        seeds: seed -> the value of that seed alone, as printed.
    """

    text: str
    spread: str = ""
    n: str = ""
    sort: float | str = ""
    mark: Mark = ""
    seeds: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its key, the heading with arrow and unit, and what it means."""

    key: str
    label: str
    arrow: str = ""
    definition: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row, with the method, setting and seed by which the filter bar finds it."""

    cells: tuple[TableCell, ...]
    method: str = ""
    setting: str = ""
    seed: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, columns, rows, and a note below.

    Attributes:
        finding: the sentence of the note that the top of a page may repeat, "" for none.
    """

    key: str
    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    finding: str = ""


def plain_columns(*labels: str) -> tuple[TableColumn, ...]:
    """Return plain columns; a trailing | marks a numeric one."""
    return tuple(
        TableColumn(label.rstrip("|"), label.rstrip("|"), numeric=label.endswith("|"))
        for label in labels
    )


EMPTY = TableCell("–", sort=math.inf)
MOST_SEEDS = 12
"""Seeds beyond which cells keep their summary alone, so that a page stays small."""


def summary_table(
    results: Results,
    summaries: Sequence[Summary],
    *,
    key: str,
    caption: str,
    groups: tuple[Group, ...],
    note: str = "",
) -> Table:
    """Return methods as rows and the outcomes of `groups` as columns; empty columns are dropped."""
    chosen = [s for s in summaries if s.outcome.group in groups and not _is_void(s, summaries)]
    outcomes = {s.outcome.metric.name + s.outcome.metric.label: s.outcome.metric for s in chosen}
    places = list(dict.fromkeys((s.setting, s.method) for s in chosen))
    places.sort(key=lambda p: (results.settings.index(p[0]), results.methods.index(p[1])))
    found = {
        (s.setting, s.method, s.outcome.metric.name + s.outcome.metric.label): s for s in chosen
    }
    marks = _marks(results, found, list(outcomes), places)
    rows = []
    for setting, method in places:
        cells = [
            interval_cell(s, mark=marks.get((setting, method, name), ""))
            if (s := found.get((setting, method, name))) is not None
            else EMPTY
            for name in outcomes
        ]
        rows.append(TableRow((*_names(results, setting, method), *cells), method, setting))
    columns = (*_name_columns(results), *(_column(m, k) for k, m in outcomes.items()))
    return Table(key, caption, columns, tuple(rows), note)


def _column(measured: Metric, key: str) -> TableColumn:
    return TableColumn(key, measured.label, measured.arrow, measured.definition)


def _name_columns(results: Results) -> tuple[TableColumn, ...]:
    method = TableColumn("method", "method", numeric=False)
    if len(results.settings) < 2:
        return (method,)
    return (TableColumn("setting", "setting", numeric=False), method)


def _names(results: Results, setting: str, method: str) -> tuple[TableCell, ...]:
    order = results.methods.index(method)
    cell = TableCell(display(method), sort=order)
    if len(results.settings) < 2:
        return (cell,)
    return (TableCell(display(setting), sort=setting), cell)


def _is_void(summary: Summary, summaries: Sequence[Summary]) -> bool:
    """Return True if this outcome is zero for every method: a column nobody needs."""
    same = [s for s in summaries if s.outcome is summary.outcome]
    return all(value == 0.0 for s in same for value in s.values.values())


def interval_cell(summary: Summary, *, mark: Mark = "") -> TableCell:
    """Return one outcome with its spread and n; seeds are left out where there are very many."""
    measured, interval = summary.outcome.metric, summary.interval
    end = summary.times.end if summary.times else math.inf
    seeds = {}
    if len(summary.values) <= MOST_SEEDS:
        seeds = {seed: _beyond(measured, value, end) for seed, value in summary.values.items()}
    if summary.times is not None and summary.times.censored:
        times = summary.times
        text = _beyond(measured, times.median, times.end)
        reached = f"{times.reached}/{interval.n} reached"
        return TableCell(text, "median", reached, times.median, mark, seeds)
    return TableCell(
        measured.text(interval.estimate),
        _spread(measured, interval),
        f"n {interval.n:,}",
        interval.estimate,
        mark,
        seeds,
    )


def _spread(measured: Metric, interval: Interval) -> str:
    """Return "± half" for symmetric intervals, "[low, high]" for others, "" without any."""
    if not interval.known:
        return ""
    if interval.method == "Student":
        half = measured.text_like(interval.half_width, interval.estimate)
        return f"± {half}" if half.strip("0.") else ""
    low, high = (measured.text_like(x, interval.estimate) for x in (interval.low, interval.high))
    return f"[{low}, {high}]"


def _beyond(measured: Metric, value: float, end: float) -> str:
    """Return a time to a target, "> end" if it was not seen."""
    if math.isfinite(value) or math.isinf(end):
        return measured.text(value)
    return f"> {measured.short(end)}"


def _marks(
    results: Results,
    found: Mapping[tuple[str, str, str], Summary],
    names: list[str],
    places: list[tuple[str, str]],
) -> dict[tuple[str, str, str], Mark]:
    """Return which cells are best or tied with the best, per setting and outcome."""
    marks: dict[tuple[str, str, str], Mark] = {}
    for setting in results.settings:
        for name in names:
            rivals = [s for p in places if p[0] == setting and (s := found.get((*p, name)))]
            if len(rivals) < 2 or rivals[0].outcome.metric.higher_is_better is None:
                continue
            best = min(rivals, key=_badness)
            if math.isinf(_badness(best)):
                continue
            here: dict[tuple[str, str, str], Mark] = {}
            for rival in rivals:
                if _badness(rival) == _badness(best):
                    here[setting, rival.method, name] = "best"
                elif not rival.outcome.by_median and _tied(results, rival, best):
                    here[setting, rival.method, name] = "tie"
            if len(here) < len(rivals):  # where nobody is told apart, nobody is marked
                marks |= here
    return marks


def _badness(summary: Summary) -> float:
    value = summary.interval.estimate
    if summary.times is not None and summary.times.reached == 0:
        return math.inf
    return -value if summary.outcome.metric.higher_is_better else value


def _tied(results: Results, rival: Summary, best: Summary) -> bool:
    """Return True if the paired interval of rival minus best includes zero."""
    found = difference(
        best.outcome,
        results.of(rival.setting, rival.method),
        results.of(best.setting, best.method),
        tested=False,
    )
    return found is not None and found.interval.known and not found.interval.excludes(0.0)
