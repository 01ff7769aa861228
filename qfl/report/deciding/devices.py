"""Simulators and hardware side by side: what a backend changes, and what practice buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qfl.core.metrics import metric
from qfl.report.deciding.places import Pairs, ideal_pairs, model_pairs, places, raw_pairs
from qfl.report.deciding.published import Published, published, source
from qfl.report.runs.results import Results, is_ideal
from qfl.report.statistics.compare import Difference, difference
from qfl.report.statistics.headline import interval_text
from qfl.report.statistics.outcomes import Outcome, Summary, sampled
from qfl.report.statistics.significance import equivalence
from qfl.report.tables import (
    EMPTY,
    Table,
    TableCell,
    TableColumn,
    TableRow,
    interval_cell,
    plain_columns,
)
from qfl.report.words import count, display, listed, p_text

Settings = Mapping[str, Any]

MARGIN = 0.03
"""Approximation ratios closer than this count as equal; fixed before any run."""

_LEFT_OUT = "effective_ratio"
"""A function of another outcome, so that pairs are not compared on it."""


def figures(results: Results) -> tuple[Outcome, ...]:
    """Return the outcomes that pairs are compared on."""
    return tuple(each for each in sampled(results) if each.metric.name != _LEFT_OUT)


def gaps_table(results: Results) -> Table:
    """Return every noisy method minus its ideal, with a test of equivalence."""
    note = (
        "The same circuit at the same angles without noise is taken off, instance by instance. "
        f"Equivalent: the 90 % interval of the gap in the ratio lies within ±{MARGIN} (two "
        "one-sided t tests). Outside: all of its 95 % interval lies beyond. “Not shown” is neither."
        f"{_floors(results)}"
    )
    return _paired(
        results,
        ideal_pairs(results),
        key="gaps",
        caption="Gap to the ideal simulator",
        note=note,
        verdict=True,
    )


def gains_table(results: Results) -> Table:
    """Return what each practice and mitigation, switched on alone, changes."""
    note = (
        "With it minus without it on the same device, instance by instance. Zero-noise "
        "extrapolation changes the mean cost and leaves the samples as they are; its values come "
        "from exact expectations under the noise model, without shot noise, while those of raw "
        "rows are of finite shots. Post-selection leaves out infeasible samples, so its share of "
        f"feasible ones says how many were kept.{_waiting_note(results)}"
    )
    return _paired(
        results, raw_pairs(results), key="gains", caption="What each practice buys", note=note
    )


def _waiting_note(results: Results) -> str:
    """Return what to know about rows with idle errors and pulses; "" without such rows."""
    simulated = [p.options for p in places(results).values() if p.backend.startswith("aer")]
    idle = [options for options in simulated if options.get("idle_errors")]
    if not idle:
        return ""
    text = " A row that adds idle errors or drift says what these cost, not what a practice buys."
    if any(options.get("dynamical_decoupling") for options in idle):
        text += (
            " Relaxation of idle qubits has no memory, so decoupling pulses cannot undo it and add "
            "their own errors; they are made against slow frequency errors, which are an assumption"
            " here."
        )
    return text


def model_table(results: Results) -> Table:
    """Return the error of the gate-count model against the snapshot that it was calibrated from."""
    note = (
        "Model minus full noise model of the same snapshot. The model knows two-qubit gates only, "
        "and takes any error for a loss of the whole state."
    )
    return _paired(
        results,
        model_pairs(results),
        key="model",
        caption="Error of the gate-count noise model",
        note=note,
    )


def model_caution(results: Results) -> str:
    """Return how wrong the gate-count model was elsewhere, for methods that trust it unmeasured."""
    measured = {method for method, _ in model_pairs(results)}
    trusted = [
        display(method)
        for method, place in places(results).items()
        if place.is_model and method not in measured
    ]
    if not trusted:
        return ""
    verb = "runs" if len(trusted) == 1 else "run"
    return f"{listed(trusted)} {verb} under the gate-count noise model. {MODEL_ERROR}"


MODEL_ERROR = (
    "What that model got wrong where it was measured. Against depolarising noise on every gate, "
    "six qubits: P(feasible) within 0.05, mean cost too high by up to 0.14 of its range. Against "
    "the full model of a device's snapshot, means per device, model minus snapshot "
    "(studies/backend_gap): ratio of the public ten-qubit chain −0.09 to −0.03; client selection, "
    "P(feasible) +0.06 to +0.12 at six clients, +0.01 to +0.08 at eight and −0.02 to +0.07 at "
    "ten, ratio of the feasible samples 0.00 to +0.02 at six and eight, +0.01 to +0.08 at ten. "
    "Other instances, devices and layouts can lie outside; where this report has a table of the "
    "error, the table holds."
)
"""From tests/backends/test_noise_against_aer.py and reports/backend_gap."""


def calibrations_table(results: Results) -> Table:
    """Return the calibration records behind the decisions, one row each."""
    columns = plain_columns(
        *("calibration", "device", "calibrated|", "qubits|", "T1 (µs)|", "T2 (µs)|"),
        *("readout error|", "one-qubit error|", "two-qubit error|", "used by"),
    )
    users: dict[str, dict[str, None]] = {}
    for run in results.runs:
        for choice in run.choices():
            for name in str(choice.diagnostics.get("calibration", "")).split():
                users.setdefault(name, {})[run.method] = None
    rows = [
        _calibration_row(name, results.calibrations.get(name, {}), [display(m) for m in who])
        for name, who in users.items()
    ]
    rows.sort(key=lambda row: (row.cells[1].text, row.cells[0].text))
    note = (
        "Medians over the qubits and couplers that the circuits used; a circuit that is laid out "
        "otherwise has a record of its own. Each record, with every qubit, is "
        "calibration/<id>.json in the run folder, and every decision names its own."
    )
    return Table("calibrations", "Calibrations", columns, tuple(rows), note)


def published_table(results: Results, summaries: Sequence[Summary]) -> Table:
    """Return published device results beside what their snapshots gave here."""
    columns = plain_columns(
        *("device", "published on|", "published ratio ↑|", "published effective ratio ↑|"),
        *("published seconds per job|", "here: its snapshot, ratio ↑|", "here minus published|"),
    )
    rows = [
        _published_row(results, setting, each, summary)
        for setting, each, summary in beside(results, summaries)
    ]
    note = (
        f"Published by others, not measured here: {source()}. One run per device, so without an "
        "interval; its shot noise is about .005. Dates are those of the publication; a snapshot "
        "was calibrated on another day. The effective ratio follows from the ratio, as random bit "
        "strings have ½."
    )
    return Table("published", "Real devices, as published", columns, tuple(rows), note)


def beside(
    results: Results, summaries: Sequence[Summary]
) -> tuple[tuple[str, Published, Summary | None], ...]:
    """Return (setting, published result, our summary on that device's snapshot) where one fits."""
    found = {
        (s.setting, s.method): s for s in summaries if s.outcome.metric.name == "sampled_ratio"
    }
    rows: dict[tuple[str, str], tuple[str, Published, Summary | None]] = {}
    where = places(results)
    for run in results.runs:
        for each in published(run.row.cell.decision, run.row.cell.solver):
            key = (run.setting, each.device)
            mine = where[run.method].is_at(each.snapshot, {})
            if mine or key not in rows:
                rows[key] = (
                    run.setting,
                    each,
                    found.get((run.setting, run.method)) if mine else None,
                )
    return tuple(rows.values())


def _paired(
    results: Results, pairs: Pairs, *, key: str, caption: str, note: str, verdict: bool = False
) -> Table:
    """Return the differences of pairs of methods, setting by setting."""
    compared = figures(results)
    found = [
        [
            difference(
                outcome, results.of(setting, method), results.of(setting, other), tested=False
            )
            for outcome in compared
        ]
        for setting in results.settings
        for method, other in pairs
    ]
    found = [row for row in found if any(row)]
    many = len(results.settings) > 1
    columns = [TableColumn("setting", "setting", numeric=False)] if many else []
    columns.append(TableColumn("pair", "method minus other", numeric=False))
    columns += [
        TableColumn(m.name, m.label, m.arrow, m.definition) for m in (o.metric for o in compared)
    ]
    if verdict:
        columns.append(TableColumn("equivalent", f"within ±{MARGIN}", numeric=False))
    rows = [_pair_row(row, many=many, verdict=verdict) for row in found]
    n = max((len(d.pairs) for row in found for d in row if d), default=0)
    note = f"Mean paired differences with 95 % intervals over {count(n, results.unit)}. {note}"
    if results.trains:
        note += " From the second round on, each method decides the instances of its own training."
    return Table(key, caption, tuple(columns), tuple(rows), note)


def _floors(results: Results) -> str:
    """Return which share of uniform bit strings is feasible, "" without a constraint."""
    floors = {
        run.setting: choice.states / 2**choice.qubits
        for run in results.runs
        for choice in run.choices()[:1]
        if choice.states and choice.qubits and is_ideal(run.row.cell.solver)
    }
    kept = metric("kept_fraction")
    shown = [
        f"{kept.text(floors[setting])} at {display(setting)}".removesuffix(" at ")
        for setting in results.settings
        if floors.get(setting, 1.0) < 1.0
    ]
    return f" Noise alone leaves as feasible: {listed(shown)}." if shown else ""


def _pair_row(found: Sequence[Difference | None], *, many: bool, verdict: bool) -> TableRow:
    first = next(d for d in found if d is not None)
    name = f"{display(first.method)} − {display(first.baseline)}"
    cells = [TableCell(display(first.setting), sort=first.setting)] if many else []
    cells.append(TableCell(name, sort=name))
    cells += [EMPTY if d is None else _gap_cell(d) for d in found]
    if verdict:
        cells.append(EMPTY if found[0] is None else _verdict(found[0]))
    return TableRow(tuple(cells), first.method, first.setting)


def _gap_cell(found: Difference) -> TableCell:
    text, _, bracket = interval_text(found).partition(" [")
    return TableCell(text, f"[{bracket}" if bracket else "", sort=found.interval.estimate)


def _verdict(found: Difference) -> TableCell:
    gaps = [a - b for _, a, b in found.pairs]
    if len(gaps) < 2:
        return EMPTY
    shown = equivalence(gaps, margin=MARGIN)
    if found.interval.low > MARGIN or found.interval.high < -MARGIN:
        return TableCell("outside", sort=shown.p)
    text = "equivalent" if shown.equivalent else "not shown"
    return TableCell(text, f"p {p_text(shown.p)}", sort=shown.p)


def _calibration_row(name: str, record: Settings, users: Sequence[str]) -> TableRow:
    qubits, pairs = record.get("qubits", ()), record.get("pairs", ())
    cells = (
        TableCell(name[:12], sort=name),
        _plain(str(record.get("device", "record missing"))),
        _plain(str(record.get("time", ""))[:10] or "–"),
        TableCell(str(len(qubits)), sort=len(qubits)),
        *(_middle(qubits, key, scale=1e6, format=".0f") for key in ("t1_seconds", "t2_seconds")),
        _middle(qubits, "readout_error"),
        _middle(qubits, "gate_error"),
        _middle(pairs, "error"),
        _plain(listed(users)),
    )
    return TableRow(cells)


def _middle(
    rows: Sequence[Settings], key: str, *, scale: float = 1.0, format: str = ".2g"
) -> TableCell:
    """Return the median of what is reported."""
    known = [row[key] for row in rows if row.get(key) is not None]
    if not known:
        return EMPTY
    value = scale * float(np.median(known))
    return TableCell(f"{value:{format}}", sort=value)


def _published_row(
    results: Results, setting: str, each: Published, mine: Summary | None
) -> TableRow:
    low, high = each.ratio
    gap = EMPTY
    if mine is not None:
        away = mine.interval.estimate - (low + high) / 2
        gap = TableCell(metric("sampled_ratio").difference_text(away), sort=away)
    name = each.device if len(results.settings) < 2 else f"{each.device}, {display(setting)}"
    time = EMPTY
    if each.seconds is not None:
        time = TableCell(_span(*each.seconds, ".1f"), sort=each.seconds[0])
    cells = (
        TableCell(name, sort=name),
        _plain(each.date or "–"),
        TableCell(_span(low, high, ".3f"), sort=high),
        TableCell(_span(max(0.0, 2 * low - 1), max(0.0, 2 * high - 1), ".3f"), sort=2 * high - 1),
        time,
        EMPTY if mine is None else interval_cell(mine),
        gap,
    )
    return TableRow(cells, "", setting)


def _span(low: float, high: float, format: str) -> str:
    return f"{low:{format}}" if low == high else f"{low:{format}} to {high:{format}}"


def _plain(text: str) -> TableCell:
    return TableCell(text, sort=text)
