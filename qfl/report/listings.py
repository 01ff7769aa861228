"""Tables that list rather than compare: cells, unfinished cells, links, aborted key exchanges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from qfl.core.metrics import metric
from qfl.core.record import LinkEvent
from qfl.report.results import Results, Run, method_label
from qfl.report.tables import Table, TableCell, TableColumn, TableRow
from qfl.report.words import count, display
from qfl.study.store import CellRow


def cells_table(results: Results) -> Table:
    """Return one row per cell of the run, whatever became of it."""
    measured = [metric(name) for name in results.metrics]
    columns = (
        TableColumn("cell", "cell", numeric=False),
        TableColumn("method", "method", numeric=False),
        TableColumn("setting", "setting", numeric=False),
        TableColumn("seed", "seed"),
        TableColumn("state", "state", numeric=False),
        TableColumn("rounds", "rounds"),
        *(TableColumn(m.name, f"final {m.label}", m.arrow, m.definition) for m in measured),
        TableColumn("seconds", "real seconds"),
        TableColumn("code", "code", numeric=False),
    )
    if len(results.settings) < 2:
        columns = tuple(column for column in columns if column.key != "setting")
    rows = []
    for run in results.runs:
        finals = (run.curve(m.name) for m in measured)
        rows.append(
            _cell_row(
                results,
                run.row,
                run.method,
                run.setting,
                [
                    TableCell(m.text(c[-1]), sort=float(c[-1])) if c.size else TableCell("–")
                    for m, c in zip(measured, finals, strict=True)
                ],
            )
        )
    for row in results.unfinished:
        method = method_label(row)
        rows.append(_cell_row(results, row, method, "", [TableCell("–")] * len(measured)))
    return Table("cells", "Every cell of this run", columns, tuple(rows))


def unfinished_table(results: Results) -> Table:
    """Return failed, skipped and pending cells with their reasons."""
    columns = tuple(
        TableColumn(key, key, numeric=key == "seed")
        for key in ("state", "method", "seed", "cell", "reason")
    )
    rows = []
    for row in results.unfinished:
        method = method_label(row)
        texts = (row.status, display(method), str(row.cell.seed), row.cell.id[:12], row.reason)
        cells = tuple(TableCell(text, sort=text) for text in texts)
        rows.append(TableRow(cells, method, "", str(row.cell.seed)))
    return Table("unfinished", "Cells without a result", columns, tuple(rows))


def aborts_table(results: Results) -> Table:
    """Return aborted key exchanges, one row per round, client and reason."""
    found: dict[tuple[int, str, str], list[tuple[Run, LinkEvent]]] = defaultdict(list)
    for run in results.runs:
        for record in run.row.rounds:
            for event in record.links:
                if event.aborted:
                    found[record.round, event.client, event.aborted].append((run, event))
    columns = (
        TableColumn("round", "round"),
        TableColumn("client", "client", numeric=False),
        TableColumn("reason", "reason", numeric=False),
        TableColumn("qber", "QBER"),
        TableColumn("cells", "cells"),
    )
    rows = [
        TableRow(
            (
                TableCell(str(number), sort=number),
                TableCell(client, sort=client),
                TableCell(reason, sort=reason),
                _range([event.qber for _, event in events if event.qber is not None]),
                TableCell(f"{len(events)} of {len(results.runs)}", sort=len(events)),
            )
        )
        for (number, client, reason), events in sorted(found.items())
    ]
    return Table("aborts", "Aborted key exchanges", columns, tuple(rows))


def links_table(results: Results) -> Table:
    """Return one row per client link: error rate, key produced, aborted exchanges."""
    events: dict[str, list[LinkEvent]] = defaultdict(list)
    for run in results.runs:
        for record in run.row.rounds:
            for event in record.links:
                events[event.client].append(event)
    qber, bits = metric("qber"), metric("key_bits_produced")
    columns = (
        TableColumn("client", "client", numeric=False),
        TableColumn("sessions", "sessions"),
        TableColumn("qber", "median QBER", qber.arrow, qber.definition),
        TableColumn("secret", "secret key per session", bits.arrow, bits.definition),
        TableColumn("disclosed", "disclosed while reconciling"),
        TableColumn("aborted", "aborted"),
    )
    rows = []
    for client, seen in sorted(events.items()):
        kept = [event for event in seen if not event.aborted]
        rates = [event.qber for event in kept if event.qber is not None]
        secret = float(np.mean([event.secret_bits for event in kept])) if kept else 0.0
        disclosed = float(np.mean([event.disclosed_bits for event in kept])) if kept else 0.0
        aborted = len(seen) - len(kept)
        rows.append(
            TableRow(
                (
                    TableCell(client, sort=client),
                    TableCell(f"{len(seen):,}", sort=len(seen)),
                    TableCell(qber.text(float(np.median(rates))), sort=float(np.median(rates)))
                    if rates
                    else TableCell("–"),
                    TableCell(bits.text(secret), sort=secret),
                    TableCell(bits.text(disclosed), sort=disclosed),
                    TableCell(f"{aborted:,}", sort=aborted),
                )
            )
        )
    note = "Over all finished cells and rounds; aborted sessions are left out of the medians."
    return Table("links", "Key exchange by link", columns, tuple(rows), note)


def heterogeneity_table(results: Results) -> Table:
    """Return what the scenario stated about the realised data, over the seeds."""
    stated: dict[str, dict[int, float]] = defaultdict(dict)
    for run in results.runs:
        for name, value in run.row.rounds[0].facts.items():
            stated[name][run.seed] = value
    columns = (
        TableColumn("fact", "statement", numeric=False),
        TableColumn("mean", "mean over seeds"),
        TableColumn("range", "least to greatest"),
    )
    rows = []
    for name, by_seed in stated.items():
        values = list(by_seed.values())
        mean = float(np.mean(values))
        seeds = {seed: f"{value:.3g}" for seed, value in by_seed.items()}
        text = name.replace("_", " ")
        rows.append(
            TableRow(
                (
                    TableCell(text, sort=text),
                    TableCell(f"{mean:.3g}", n=f"n {len(values)}", sort=mean, seeds=seeds),
                    TableCell(f"{min(values):.3g} to {max(values):.3g}", sort=max(values)),
                )
            )
        )
    return Table("heterogeneity", "How unequal the clients were", columns, tuple(rows))


def counts_text(results: Results) -> str:
    """Return how many cells ended how."""
    states = ["done"] * len(results.runs) + [row.status for row in results.unfinished]
    total = count(len(states), "cell")
    return f"{total}: " + ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))


def _cell_row(
    results: Results, row: CellRow, method: str, setting: str, finals: Sequence[TableCell]
) -> TableRow:
    seconds = row.timings.get("total_seconds")
    cells = [
        TableCell(row.cell.id[:12], sort=row.cell.id),
        TableCell(display(method), sort=method),
        TableCell(setting, sort=setting),
        TableCell(str(row.cell.seed), sort=row.cell.seed),
        TableCell(row.status, sort=row.status),
        TableCell(str(row.rounds[-1].round) if row.rounds else "–", sort=len(row.rounds)),
        *finals,
        TableCell("–" if seconds is None else f"{seconds:.2f}", sort=seconds or 0.0),
        TableCell(row.fingerprint[:8], sort=row.fingerprint),
    ]
    if len(results.settings) < 2:
        del cells[2]
    return TableRow(tuple(cells), method, setting, str(row.cell.seed))


def _range(rates: Sequence[float]) -> TableCell:
    if not rates:
        return TableCell("–")
    low, high = metric("qber").text(min(rates), unit=False), metric("qber").text(max(rates))
    return TableCell(high if len(rates) == 1 else f"{low} to {high}", sort=max(rates))
