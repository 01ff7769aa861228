"""Tables that list rather than compare: pairs, links, aborted key exchanges, data, cells."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from qfl.core.metrics import metric
from qfl.core.record import SAMPLED
from qfl.report.protecting.links import Abort, Link
from qfl.report.runs.results import Results, method_label
from qfl.report.statistics.compare import Family
from qfl.report.statistics.headline import interval_text
from qfl.report.tables import Table, TableCell, TableColumn, TableRow, plain_columns
from qfl.report.words import count, display, p_text
from qfl.study.folder import describe
from qfl.study.options import OWN
from qfl.study.override import flatten
from qfl.study.store import CellRow


def pairs_table(families: Sequence[Family]) -> Table:
    """Return every tested difference with its interval and p-value, or without p where refused."""
    columns = plain_columns("comparison", "outcome", "difference [95 % interval]|", "pairs|")
    columns += plain_columns("p (Holm)|", "smallest possible p|")
    rows = []
    for family in families:
        for d in family.differences:
            name = f"{display(d.method)} minus {display(d.baseline)}"
            p = "–" if d.adjusted_p is None else p_text(d.adjusted_p)
            smallest = "–" if d.test is None else p_text(d.test.smallest)
            cells = (
                _text(name),
                _text(d.outcome.metric.label),
                TableCell(interval_text(d), sort=d.interval.estimate),
                _number(len(d.pairs)),
                TableCell(p, sort=1.0 if d.adjusted_p is None else d.adjusted_p),
                TableCell(smallest, sort=1.0 if d.test is None else d.test.smallest),
            )
            rows.append(TableRow(cells, d.baseline, d.setting))
    refusals = dict.fromkeys(f.refusal for f in families if f.refusal)
    note = " ".join(f"No p-value: {refusal}." for refusal in refusals)
    return Table("pairs", "Paired differences", columns, tuple(rows), note)


def links_table(found: Sequence[Link]) -> Table:
    """Return one row per client link: error rate, key produced, aborted exchanges."""
    qber, bits = metric("qber"), metric("key_bits_produced")
    columns = plain_columns("client", "sessions|", "median QBER|", "secret key per session|")
    columns += plain_columns("disclosed while reconciling|", "aborted|")
    rows = [
        TableRow(
            (
                _text(link.client),
                _number(link.sessions),
                TableCell(qber.text(link.qber[1]), sort=link.qber[1]) if link.qber else _text("–"),
                TableCell(bits.text(link.secret_bits), sort=link.secret_bits),
                TableCell(bits.text(link.disclosed_bits), sort=link.disclosed_bits),
                _number(link.aborted),
            )
        )
        for link in found
    ]
    note = "Over all finished cells and rounds; medians and means leave out aborted sessions."
    return Table("links", "Key exchange by link", columns, tuple(rows), note)


def aborts_table(found: Sequence[Abort], *, cells: int) -> Table:
    """Return aborted key exchanges, one row per round, client and kind of reason."""
    columns = plain_columns("round|", "client", "reason", "QBER|", "cells|")
    rows = [
        TableRow(
            (
                _number(abort.round),
                _text(abort.client),
                _text(abort.reason),
                _range(abort.qber),
                TableCell(f"{abort.cells} of {cells}", sort=abort.cells),
            )
        )
        for abort in found
    ]
    note = "Nothing was sent to or from the client in that round; the round went on without it."
    return Table("aborts", "Aborted key exchanges", columns, tuple(rows), note)


def sampled(results: Results) -> str:
    """Return which clients stand for all: a panel where they are evaluated, a pool where a round
    chooses; "" where all are."""
    stated = [run.row.rounds[0].facts for run in results.runs if run.row.rounds]
    words = {"evaluated_clients": "evaluated, a panel", "candidates": "to choose from, a pool"}
    found = [
        f"{facts[name]:,.0f} of {facts['clients']:,.0f} clients {text}"
        for name, text in words.items()
        for facts in stated
        if name in facts
    ]
    return "; ".join(dict.fromkeys(found))


def heterogeneity_table(results: Results) -> Table:
    """Return what the scenario stated about the realised data, over the seeds."""
    stated: dict[str, dict[int, float]] = defaultdict(dict)
    for run in results.runs:
        for name, value in run.row.rounds[0].facts.items():
            if name not in SAMPLED:
                stated[name][run.seed] = value
    columns = plain_columns("statement", "mean over seeds|", "least to greatest|")
    rows = []
    for name, by_seed in stated.items():
        values = list(by_seed.values())
        mean = float(np.mean(values))
        seeds = {seed: f"{value:.3g}" for seed, value in by_seed.items()}
        span = TableCell(f"{min(values):.3g} to {max(values):.3g}", sort=max(values))
        cell = TableCell(f"{mean:.3g}", n=f"n {len(values)}", sort=mean, seeds=seeds)
        rows.append(TableRow((_text(name.replace("_", " ")), cell, span)))
    return Table("heterogeneity", "How unequal the clients were", columns, tuple(rows))


def models_table(results: Results) -> Table:
    """Return the size of every method's model."""
    columns = plain_columns(
        "method", "parameters|", "exchanged in a round|", "in quantum gates|", "quantum share|"
    )
    sizes: dict[str, Mapping[str, int]] = {}
    for run in results.runs:
        sizes.setdefault(method_label(run.row), run.row.rounds[0].parameters)
    rows = [
        TableRow(
            (
                _text(method),
                *(TableCell(f"{size[part]:,}", sort=size[part]) for part in _PARTS),
                TableCell(f"{size['quantum'] / size['all']:.3%}", sort=size["quantum"]),
            ),
            method,
        )
        for method, size in sizes.items()
        if size
    ]
    note = "Of the server's model, which holds the modules of all modalities and tasks."
    return Table("models", "Models, by method", columns, tuple(rows), note)


def options_table(results: Results) -> Table:
    """Return the shared settings in which methods differ; no rows where they differ in none.

    Settings that a method varies on an axis of its own are left to the axes.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for run in results.runs:
        sections = {name: dict(getattr(run.row.cell, name)) for name in OWN}
        for key, value in flatten({k: v for k, v in sections.items() if v}).items():
            found.setdefault(key, {}).setdefault(run.method, set()).add(str(value))
    differing = {
        key: {method: min(values) for method, values in by_method.items()}
        for key, by_method in found.items()
        if all(len(values) == 1 for values in by_method.values())
        and (len(set.union(*by_method.values())) > 1 or len(by_method) < len(results.methods))
    }
    rows = []
    for method in results.methods:
        own = [f"{key} = {values[method]}" for key, values in differing.items() if method in values]
        name = TableCell(display(method), sort=results.methods.index(method))
        rows.append(TableRow((name, _text("; ".join(own) or "–")), method))
    note = "Settings of shared sections in which methods differ; all others are equal for all."
    columns = plain_columns("method", "settings")
    caption = "What methods set of their own"
    return Table("options", caption, columns, tuple(rows) if differing else (), note)


def unfinished_table(results: Results) -> Table:
    """Return failed, skipped, pending, stale and missing cells with their reasons."""
    columns = plain_columns("state", "cell", "reason", "id")
    rows = [
        TableRow(
            (_text(row.status), _text(describe(row.cell)), _text(row.reason), _id(row)),
            method_label(row),
            "",
            str(row.cell.seed),
        )
        for row in results.unfinished
    ]
    stale = [describe(run.row.cell) for run in results.runs if run.row.cell.id in results.stale]
    for state, names, reason in (
        ("stale", stale, "made by other code than is installed now; --rerun stale plays it again"),
        ("todo", results.todo, "not run yet; the same command continues"),
    ):
        if len(names) > _MOST_LISTED:
            names = (count(len(names), "cell"),)
        rows += [TableRow((_text(state), _text(name), _text(reason), _text(""))) for name in names]
    return Table("unfinished", "Cells that need attention", columns, tuple(rows))


def cells_table(results: Results) -> Table:
    """Return one row per cell that has ended, whatever became of it."""
    measured = [metric(name) for name in results.main_metrics]
    columns = plain_columns(
        "cell", "method", "setting", "seed|", "state", "rounds|" if results.trains else "decisions|"
    )
    columns += tuple(
        TableColumn(m.name, f"final {m.label}", m.arrow, m.definition) for m in measured
    )
    columns += plain_columns("real seconds|", "code")
    rows = []
    few = results.runs if len(results.runs) <= MOST_CELLS else ()
    for run in few:
        values = [run.final(m.name) for m in measured]
        finals = [
            _text("–") if math.isnan(value) else TableCell(m.text(value), sort=value)
            for m, value in zip(measured, values, strict=True)
        ]
        state = "stale" if run.row.cell.id in results.stale else run.row.status
        rows.append(_cell_row(run.row, (run.method, run.setting, state), finals))
    for row in results.unfinished:
        names = (method_label(row), "", row.status)
        rows.append(_cell_row(row, names, [_text("–")] * len(measured)))
    if len(results.settings) < 2:
        columns = (*columns[:2], *columns[3:])
        rows = [
            TableRow((*row.cells[:2], *row.cells[3:]), row.method, row.setting, row.seed)
            for row in rows
        ]
    note = "" if few else f"More than {MOST_CELLS} cells have finished: they are in cells.jsonl."
    return Table("cells", "Every cell that has ended", columns, tuple(rows), note)


def counts_text(results: Results) -> str:
    """Return how many cells ended how.

    Stale cells are finished ones, so they are counted as done, and then named.
    """
    states = ["done"] * len(results.runs) + [row.status for row in results.unfinished]
    states += ["todo"] * len(results.todo)
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    if results.stale:
        parts[0] += f" ({len(results.stale)} of them stale)"
    return f"{count(len(states), 'cell')}: {', '.join(parts)}"


MOST_CELLS = 1_000
"""Finished cells beyond which they are not listed one by one."""
_PARTS = ("all", "exchanged", "quantum")
_MOST_LISTED = 12
"""Stale or missing cells beyond which their number stands for them."""


def _cell_row(row: CellRow, names: tuple[str, str, str], finals: list[TableCell]) -> TableRow:
    method, setting, state = names
    seconds = row.timings.get("total_seconds")
    cells = (
        _id(row),
        TableCell(display(method), sort=method),
        _text(display(setting)),
        _number(row.cell.seed),
        _text(state),
        TableCell(str(row.rounds[-1].round) if row.rounds else "–", sort=len(row.rounds)),
        *finals,
        TableCell("–" if seconds is None else f"{seconds:.2f}", sort=seconds or 0.0),
        TableCell(row.fingerprint[:8], sort=row.fingerprint),
    )
    return TableRow(cells, method, setting, str(row.cell.seed), state)


def _text(text: str) -> TableCell:
    return TableCell(text, sort=text)


def _number(value: int) -> TableCell:
    return TableCell(f"{value:,}", sort=value)


def _id(row: CellRow) -> TableCell:
    return TableCell(row.cell.id[:12], sort=row.cell.id)


def _range(rates: Sequence[float]) -> TableCell:
    if not rates:
        return _text("–")
    qber = metric("qber")
    low, high = qber.text(min(rates), unit=False), qber.text(max(rates))
    return TableCell(high if len(rates) == 1 else f"{low} to {high}", sort=max(rates))
