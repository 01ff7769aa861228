"""What the page's script is given: figures, look, axes, and the numbers for download."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from qfl.core.envelope import SecurityLevel
from qfl.core.metrics import metric
from qfl.report.charts.datasets import Columns, Source, columns, encoded
from qfl.report.charts.vega import DARK, capital
from qfl.report.runs.exclusions import untrained
from qfl.report.runs.results import AXES, Results, Run
from qfl.report.words import count, display, listed
from qfl.report.writing.analysis import Analysis
from qfl.report.writing.listings import MOST_CELLS, sampled


def payload(analysis: Analysis) -> dict[str, Any]:
    """Return what the page embeds as JSON."""
    results = analysis.results
    return {
        "name": results.name,
        "settings": list(results.settings),
        "methods": list(results.methods),
        "paints": [[look.light, look.dark] for look in analysis.styles] + list(DARK.items()),
        "axes": dict(axes(analysis)),
        "figures": [
            {
                "key": figure.key,
                "kind": figure.kind,
                "spec": figure.spec,
                "data": {name: _data(data) for name, data in figure.data.items()},
            }
            for figure in analysis.figures
        ],
        "tables": {
            name: encoded(table)
            for name, table in {**analysis.data, **_downloads(analysis)}.items()
        },
    }


def axes(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """Return the x axes that some curve has, with their titles."""
    used = {
        axis
        for name in analysis.results.main_metrics
        if name in analysis.data
        for axis in analysis.data[name]["axis"]
    }
    measured = {axis: metric(axis) for axis in AXES if axis != "round"}
    titles = {axis: f"{capital(m.label)} ({m.unit})" for axis, m in measured.items()}
    return tuple((axis, titles.get(axis, "Round")) for axis in AXES if axis in used)


def facts_line(analysis: Analysis) -> str:
    """Return the size of the run in one line."""
    results = analysis.results
    rounds = sorted({run.rounds for run in results.runs})
    parts = [
        count(len(results.runs), "finished cell"),
        count(len(results.methods), "method"),
        count(len(results.seeds), results.unit),
    ]
    if len(results.settings) > 1:
        parts.append(count(len(results.settings), "setting"))
    if rounds:
        span = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
        parts.append(f"{span} {'rounds' if results.trains else 'decisions each'}")
    return " · ".join([*parts, *filter(None, [sampled(results)])])


def samples_line(results: Results) -> str:
    """Return which methods draw equally many samples per decision, "" if none do."""
    drawn: dict[int, list[str]] = {}
    for method in results.methods:
        choices = [c for run in results.runs if run.method == method for c in run.choices()]
        shots = max((choice.shots for choice in choices), default=0)
        if shots:
            drawn.setdefault(shots, []).append(display(method))
    parts = [
        f"{listed(names)} draw {count(shots, 'sample')} per decision"
        for shots, names in sorted(drawn.items())
        if len(names) > 1
    ]
    return f"Equal budgets: {'; '.join(parts)}." if parts else ""


def levels_line(results: Results) -> str:
    """Return how many rounds ran at which security level, "" if nothing was sealed."""
    levels = Counter(
        record.level for run in results.runs for record in run.row.rounds if record.links
    )
    known = {level.value: display(level.name.lower()) for level in SecurityLevel}
    parts = [
        f"{level}{f' ({known[level]})' if level in known else ''} in {count(number, 'round')}"
        for level, number in sorted(levels.items())
    ]
    return f"Security level of the envelopes: {', '.join(parts)}." if parts else ""


def warnings(results: Results) -> list[str]:
    """Return what a reader must know before believing the headline."""
    found = []
    missing = len(results.unfinished) + len(results.todo)
    if missing:
        found.append(f"{count(missing, 'cell')} of this study {_have(missing)} no result yet.")
    if results.stale:
        stale = len(results.stale)
        found.append(
            f"{count(stale, 'cell')} {'was' if stale == 1 else 'were'} made by other code than is "
            "installed now."
        )
    dirty = any(block.get("git", {}).get("dirty") for block in results.provenance.values())
    if dirty:
        found.append("The code had changes that were not committed.")
    return found + untrained(results)


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def provenance_cards(
    block: Mapping[str, Any],
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return provenance as titled lists: nested tables become cards, the rest one card."""
    plain = [(key, _text(value)) for key, value in sorted(block.items()) if not _nested(value)]
    cards = [("run", plain)] if plain else []
    for key, value in sorted(block.items()):
        if _nested(value):
            cards.append((key, list(_flat(value))))
    return cards


def _data(data: Columns | Source) -> dict[str, Any]:
    if isinstance(data, Source):
        return {"from": data.table, "y": data.y, "methods": list(data.methods)}
    return {"columns": encoded(data)}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Any:
    for key, inner in sorted(value.items()):
        if _nested(inner):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(inner)


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _downloads(analysis: Analysis) -> dict[str, Mapping[str, Any]]:
    """Return the table of cells, unless the page would grow too large for it."""
    if len(analysis.results.runs) > MOST_CELLS:
        return {}
    return {"cells": _cells(analysis)}


def _cells(analysis: Analysis) -> Mapping[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    for run in analysis.results.runs:
        rows[run.row.cell.id] = _names(run)
    measured = set(analysis.results.metrics)
    runs = {(r.setting, r.method, r.seed): r for r in analysis.results.runs}
    for summary in analysis.summaries:
        name = summary.outcome.metric.name
        if name in measured:
            name = f"final_{name}"
        for seed, value in summary.values.items():
            rows[runs[summary.setting, summary.method, seed].row.cell.id][name] = value
    names = dict.fromkeys(name for row in rows.values() for name in row)
    return columns({name: row.get(name, float("nan")) for name in names} for row in rows.values())


def _names(run: Run) -> dict[str, Any]:
    return {
        "cell": run.row.cell.id[:12],
        "method": run.method,
        "setting": run.setting,
        "seed": str(run.seed),
    }
