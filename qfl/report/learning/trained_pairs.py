"""How soon every pair of a modality and a task was trained, method by method, as a table."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import product

from qfl.core.metrics import metric
from qfl.report.runs.participation import counts_agree, rounds_to_pairs
from qfl.report.runs.results import Results
from qfl.report.statistics.compare import difference
from qfl.report.statistics.headline import interval_text
from qfl.report.statistics.outcomes import Outcome, summarise
from qfl.report.tables import (
    EMPTY,
    Table,
    TableCell,
    TableColumn,
    TableRow,
    interval_cell,
    plain_columns,
)
from qfl.report.words import count, display

TIMES = {1: "once", 2: "twice", 4: "four times"}
"""How often every pair was to be trained, with its name."""


def trained_pairs_table(results: Results) -> Table:
    """Return the rounds until every pair was trained once, twice and four times, with the paired
    differences from the headline's baseline; no rows where all clients hold the same."""
    asked = results.headline
    baseline = "".join(results.variants(asked.baseline)[:1]) if asked else ""
    several = len(results.settings) > 1
    columns = list(plain_columns(*(["setting"] if several else []), "method"))
    for text in TIMES.values():
        columns.append(TableColumn(text, text, metric("rounds_to_pairs").arrow))
        columns += plain_columns(f"{text}, minus {display(baseline)}|") if baseline else ()
    rows = []
    for setting, method in product(results.settings, results.methods):
        cells = [TableCell(display(setting), sort=setting)] if several else []
        cells.append(TableCell(display(method), sort=results.methods.index(method)))
        found = {o: summarise(o, results.of(setting, method)) for o in map(_outcome, TIMES)}
        for outcome, summary in found.items():
            cells.append(EMPTY if summary is None else interval_cell(summary))
            if baseline:
                cells.append(_minus(outcome, results, (setting, method, baseline)))
        if any(summary is not None for summary in found.values()):
            rows.append(TableRow(tuple(cells), method, setting))
    note = f"{_NOTE} {_agreement(results)}".rstrip() if rows else ""
    caption = "Rounds until every pair of a modality and a task was trained"
    return Table("trained-pairs", caption, tuple(columns), tuple(rows), note)


_NOTE = (
    "Counted from what clients declare and who delivered: a pair is trained in a round if the "
    "change of one client that holds it arrived. In differences, paired by seed with their 95 % "
    "interval, a run that never gets there counts as its last round."
)


def _outcome(times: int) -> Outcome:
    measured = replace(metric("rounds_to_pairs"), label=f"rounds to all pairs, {TIMES[times]}")
    read = partial(rounds_to_pairs, times=times)
    return Outcome(measured, "learning", read, end=lambda run: float(run.rounds))


def _minus(outcome: Outcome, results: Results, place: tuple[str, str, str]) -> TableCell:
    setting, method, baseline = place
    first, second = results.of(setting, method), results.of(setting, baseline)
    if method == baseline or not (first and second):
        return EMPTY
    found = difference(outcome, first, second, tested=False)
    if found is None or not any(math.isfinite(x) for pair in found.pairs for x in pair[1:]):
        return EMPTY
    return TableCell(interval_text(found), sort=found.interval.estimate)


def _agreement(results: Results) -> str:
    """Return whether the counts that runs keep themselves say the same, "" if they keep none."""
    said = [counts_agree(run, times) for run in results.runs for times in TIMES]
    known = [agrees for agrees in said if agrees is not None]
    if not known:
        return ""
    wrong = known.count(False)
    if wrong:
        return f"Of {count(len(known), 'count')} that the runs kept, {wrong} say otherwise."
    return f"All {count(len(known), 'count')} that the runs kept themselves say the same."
