"""How old modules became before somebody trained them again, kind by kind, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from qfl.core.metrics import metric
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.outcomes import Outcome, summarise
from qfl.report.tables import EMPTY, Table, TableCell, TableRow, interval_cell, plain_columns
from qfl.report.words import display

AT_HOME = "kept by clients"
"""What stands in place of a kind for personal models and modules that never travel."""


def staleness_table(results: Results) -> Table:
    """Return by method and kind of module the rounds since the last refresh of its stalest one:
    the mean over rounds, and the most; no rows where all modules are fresh all the time."""
    several = len(results.settings) > 1
    columns = plain_columns(*(["setting"] if several else []), "method", "kind of module")
    columns += plain_columns("stalest, mean over rounds|", "stalest at any time|")
    rows = []
    for setting, method in product(results.settings, results.methods):
        runs = results.of(setting, method)
        for kind in _kinds(runs):
            cells = [TableCell(display(setting), sort=setting)] if several else []
            cells.append(TableCell(display(method), sort=results.methods.index(method)))
            cells.append(TableCell(display(kind), sort=kind))
            found = (summarise(_outcome(kind, reduce), runs) for reduce in (np.mean, np.max))
            cells += [EMPTY if each is None else interval_cell(each) for each in found]
            rows.append(TableRow(tuple(cells), method, setting))
    caption = "Rounds since the last refresh, by kind of module"
    return Table("staleness", caption, columns, tuple(rows), _NOTE if rows else "")


_NOTE = (
    "A module is refreshed at the server when a round changes it: one that no client of a round "
    "trained, or whose holders were too few, keeps its value and its age. Of each kind the stalest "
    "module counts; kinds that were always fresh have no line, nor has a server to which nothing "
    "travels. What clients keep is as old as their own last training."
)


def ages(run: Run, kind: str) -> list[int]:
    """Return the age of the stalest module of a kind after each round, 0 where all are fresh."""
    found = []
    for record in run.row.rounds[1:]:
        staleness = record.staleness
        if staleness is None:
            found.append(0)
        elif kind == AT_HOME:
            found.append(max(map(int, staleness.homes), default=0))
        else:
            own = (a for module, a in staleness.modules.items() if _kind(module) == kind)
            found.append(max(own, default=0))
    return found


def _kinds(runs: Sequence[Run]) -> list[str]:
    """The kinds of modules that were stale at some time, and what clients kept if that was."""
    records = [record for run in runs for record in run.row.rounds]
    known = [each for record in records if (each := record.staleness) is not None]
    kinds = {_kind(module) for each in known for module in each.modules}
    if not any(run.costs().payload_bytes_up for run in runs):
        kinds = set()
    return [*sorted(kinds), *([AT_HOME] if any(set(e.homes) - {"0"} for e in known) else [])]


def _kind(module: str) -> str:
    return module.partition(":")[0]


def _outcome(kind: str, reduce: Callable[[list[int]], float]) -> Outcome:
    measured = replace(metric("rounds_to_pairs"), name=f"{kind} staleness")
    return Outcome(measured, "learning", lambda run: float(reduce(ages(run, kind) or [0])))
