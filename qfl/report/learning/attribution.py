"""What modalities, modules and experts of the final models were worth, as one table."""

from __future__ import annotations

import math

from qfl.core.metric import Metric
from qfl.core.metrics import OF_ATTRIBUTION, metric
from qfl.core.rng import Streams
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.intervals import mean_interval
from qfl.report.tables import EMPTY, Table, TableCell, TableColumn, TableRow
from qfl.report.words import display

MOST_ROWS = 200
"""Rows of a setting beyond which single modules and experts are left out."""
_SMALL = ("contribution", "routed")


def attribution_table(results: Results) -> Table:
    """Return parts of models by methods: the mean over seeds with its 95 % interval."""
    methods = results.methods
    names = _names(results)
    rows = []
    for setting in results.settings:
        for name in names:
            cells = [_cell(metric(name), name, results.of(setting, one)) for one in methods]
            if any(cell is not EMPTY for cell in cells):
                what = TableCell(metric(name).label, sort=metric(name).label)
                place = TableCell(display(setting), sort=setting)
                rows.append(TableRow((what, place, *cells), "", setting))
    columns = (
        TableColumn("part", "part", numeric=False),
        TableColumn("setting", "setting", numeric=False),
        *(TableColumn(one, display(one)) for one in methods),
    )
    if len(results.settings) < 2:
        columns = (columns[0], *columns[2:])
        rows = [TableRow((row.cells[0], *row.cells[2:]), "", row.setting) for row in rows]
    measures = {_measure(name) for name in names}
    meanings = [
        f"{metric(m).label}: {metric(m).definition}" for m in OF_ATTRIBUTION if m in measures
    ]
    note = ". ".join(f"{text[:1].upper()}{text[1:]}" for text in meanings)
    return Table(
        "attribution",
        "What parts of the final model are worth, by method",
        columns,
        tuple(rows),
        f"{note}." if note else "",
    )


def _names(results: Results) -> list[str]:
    """The names that some run has, by measure; without single modules where there are very many."""
    found = dict.fromkeys(
        name
        for run in results.runs
        for name in run.row.rounds[-1].metrics
        if _measure(name) in OF_ATTRIBUTION
    )
    if len(found) > MOST_ROWS:
        found = dict.fromkeys(name for name in found if _measure(name) not in _SMALL)
    return sorted(found, key=lambda name: (OF_ATTRIBUTION.index(_measure(name)), name))


def _measure(name: str) -> str:
    return name.partition("@")[0].rpartition(".")[2]


def _cell(measured: Metric, name: str, runs: tuple[Run, ...]) -> TableCell:
    values = {run.seed: run.final(name) for run in runs}
    values = {seed: value for seed, value in values.items() if not math.isnan(value)}
    if not values:
        return EMPTY
    interval = mean_interval(list(values.values()), rng=Streams(0)("bootstrap"))
    low, high = (measured.text(x, unit=False) for x in (interval.low, interval.high))
    return TableCell(
        measured.text(interval.estimate),
        f"[{low}, {high}]" if interval.known else "",
        f"n {interval.n}",
        interval.estimate,
    )
