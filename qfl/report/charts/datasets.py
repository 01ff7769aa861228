"""The numbers behind the figures: a few tables of columns, embedded once and shared.

Columns name every field once and spell every text once, so a page of 10,000 points stays small.
A figure refers to a table through a `Source`; the page's script and `resolve` read it alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qfl.report.runs.results import AXES, Results
from qfl.report.statistics.curves import MOST_POINTS, Curve, thin
from qfl.report.words import display

Columns = Mapping[str, Sequence[Any]]

ROUNDS = "rounds"
MOST_ROWS = 5_000
"""Measured rounds of all runs beyond which the table of rounds is thinned."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure's data set comes from.

    Attributes:
        table: name of an embedded table.
        y: the column that becomes y, for the table of rounds.
        methods: the methods to keep; empty keeps all.
    """

    table: str
    y: str = ""
    methods: tuple[str, ...] = ()


def columns(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Return the rows as columns, numbers rounded to 5 significant digits and NaN as None.

    >>> columns([{"x": 0.1234567, "name": "a"}, {"x": float("nan"), "name": "b"}])
    {'x': [0.12346, None], 'name': ['a', 'b']}
    """
    found: dict[str, list[Any]] = {}
    for row in rows:
        for key, value in row.items():
            found.setdefault(key, []).append(_plain(value))
    return found


def encoded(table: Columns) -> dict[str, Any]:
    """Return the columns with texts spelled once: {"levels": [...], "codes": [...]}.

    >>> encoded({"name": ["a", "b", "a"], "x": [1, 2, 3]})
    {'name': {'levels': ['a', 'b'], 'codes': [0, 1, 0]}, 'x': [1, 2, 3]}
    """
    found: dict[str, Any] = {}
    for name, values in table.items():
        found[name] = values
        if values and all(isinstance(value, str) for value in values):
            levels = {text: code for code, text in enumerate(dict.fromkeys(values))}
            found[name] = {"levels": list(levels), "codes": [levels[text] for text in values]}
    return found


def resolve(
    source: Source, tables: Mapping[str, Columns], *, axis: str, setting: str
) -> list[dict[str, Any]]:
    """Return the rows that a figure gets when it is drawn against `axis` in one setting."""
    table = tables[source.table]
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    rows = [row for row in rows if row.get("setting", setting) == setting]
    if source.methods:
        rows = [row for row in rows if row["method"] in source.methods]
    if source.table == ROUNDS:
        named = ({**row, "x": row[axis], "y": row[source.y]} for row in rows)
        return [row for row in named if row["y"] is not None]
    return [row for row in rows if row.get("axis", axis) == axis]


def rounds_table(results: Results) -> Columns:
    """Return one row per run and round: what was spent so far, and every metric."""
    names = (*results.metrics, *results.stage_metrics)
    rows = []
    for run in results.runs:
        who = {"setting": run.setting, "method": run.method, "seed": str(run.seed)}
        spent = {axis: run.spent(axis) for axis in AXES}
        for i in thin(len(run.row.rounds), _points_per_run(results)):
            metrics = run.row.rounds[i].metrics
            rows.append(
                {
                    **who,
                    **{axis: values[i] for axis, values in spent.items()},
                    **{name: metrics.get(name, math.nan) for name in names},
                }
            )
    return columns(rows)


def thinning_note(results: Results) -> str:
    """Return what was left out of the table of rounds, "" if nothing."""
    longest = max((len(run.row.rounds) for run in results.runs), default=0)
    most = _points_per_run(results)
    if longest <= most:
        return ""
    return f"Lines of single seeds are drawn at {most:,} of {longest:,} rounds."


def bands_table(curves: Sequence[Curve]) -> Columns:
    """Return one row per curve and point: mean with interval, median with quartiles."""
    return columns(
        {
            "axis": curve.axis,
            "setting": curve.setting,
            "method": curve.method,
            "x": x,
            "y": curve.band.mean[i],
            "low": curve.band.low[i],
            "high": curve.band.high[i],
            "median": curve.band.median[i],
            "lower": curve.band.lower_quartile[i],
            "upper": curve.band.upper_quartile[i],
        }
        for curve in curves
        for i, x in enumerate(curve.x)
    )


def ends_table(curves: Sequence[Curve]) -> Columns:
    """Return the last mean of each curve, and where its name goes so that no two overlap."""
    rows = []
    for place in dict.fromkeys((curve.axis, curve.setting) for curve in curves):
        here = [curve for curve in curves if (curve.axis, curve.setting) == place]
        reach = max(c.band.mean.max() for c in here) - min(c.band.mean.min() for c in here)
        ends = spread_out([float(c.band.mean[-1]) for c in here], gap=0.052 * float(reach))
        rows += [
            {
                "axis": curve.axis,
                "setting": curve.setting,
                "method": curve.method,
                "name": display(curve.method),
                "y": curve.band.mean[-1],
                "label": end,
            }
            for curve, end in zip(here, ends, strict=True)
        ]
    return columns(rows)


def spread_out(values: Sequence[float], *, gap: float) -> list[float]:
    """Return positions near `values`, in the same order, at least `gap` apart.

    >>> [round(v, 2) for v in spread_out([1.0, 1.0, 5.0], gap=1.0)]
    [0.5, 1.5, 5.0]
    """
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    blocks: list[tuple[list[int], float]] = []  # members and the centre of their block
    for i in order:
        members, centre = [i], values[i]
        while blocks and centre - blocks[-1][1] < gap * (len(members) + len(blocks[-1][0])) / 2:
            below, lower = blocks.pop()
            total = len(members) + len(below)
            centre = (centre * len(members) + lower * len(below)) / total
            members = below + members
        blocks.append((members, centre))
    moved = [0.0] * len(values)
    for members, centre in blocks:
        for rank, i in enumerate(members):
            moved[i] = centre + gap * (rank - (len(members) - 1) / 2)
    return moved


def _points_per_run(results: Results) -> int:
    return max(2, min(MOST_POINTS, MOST_ROWS // max(1, len(results.runs))))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    number = float(f"{float(value):.5g}")
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number
