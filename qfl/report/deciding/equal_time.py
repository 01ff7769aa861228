"""Solvers at equal time: each decides as often as fits in what the headline's method takes once.

Finished tables only; nothing is drawn here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from qfl.core.metrics import metric
from qfl.core.rng import Streams
from qfl.report.deciding.decisions import TIE_ENERGY, TIE_SECONDS
from qfl.report.runs.readings import decision_seconds
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.intervals import mean_interval
from qfl.report.statistics.outcomes import Summary, named
from qfl.report.tables import EMPTY, Table, TableCell, TableColumn, TableRow, interval_cell
from qfl.report.words import display, listed

_RATIO = metric("approximation_ratio")


def equal_time_table(results: Results) -> Table:
    """Return the approximation ratio of every method at equal time, by setting; instances only.

    The last column counts on how many instances a method is better, equal or worse than the
    headline's.
    """
    asked, found = "", dict[str, dict[str, Run]]()
    ratios: dict[str, dict[str, float]] = {}
    if results.headline is not None and not results.trains:
        asked = "".join(results.variants(results.headline.method)[-1:])
        found, ratios = _at_equal_time(results, asked)
    settings = [
        s for s in results.settings if any(r.setting == s for r in found.get(asked, {}).values())
    ]
    columns = [
        TableColumn("method", "method", numeric=False),
        *(TableColumn(s, display(s) or _RATIO.label, _RATIO.arrow) for s in settings),
        TableColumn("against", f"against {display(asked)}"),
    ]
    rows: list[TableRow] = []
    better: list[str] = []
    worse: list[str] = []
    for method in (m for m in results.methods if found.get(m)):
        won, tied, lost = _score(ratios[method], ratios[asked])
        score = "–" if method == asked else f"{won} / {tied} / {lost}"
        cells = [
            TableCell(display(method), sort=results.methods.index(method)),
            *(_cell(found[method], ratios[method], setting) for setting in settings),
            TableCell(score, sort=won - lost),
        ]
        rows.append(TableRow(tuple(cells), method))
        if won != lost and method in results.representatives():
            (better if won > lost else worse).append(f"{display(method)} ({won} to {lost})")
    caption = "Approximation ratio at equal time, by method and size"
    note = (
        f"Every method decides as often as fits in the real seconds that {display(asked)} takes "
        "for one decision of the same instance, the training of its angles and the simulation of "
        "its circuits on this machine included; the best decision counts, in expectation over the "
        "repetitions at hand. Where one decision takes longer than that, the instance is left out; "
        f"times within 10 % are equal. More often better than {display(asked)} than worse: "
        f"{listed(better) or 'none'}. More often worse: {listed(worse) or 'none'}."
    )
    return Table("equal-time", caption, tuple(columns), tuple(rows), note)


def expected_best(values: Sequence[float], tries: int) -> float:
    """Return the mean of the largest of `tries` draws from `values`, with replacement.

    >>> expected_best([0.0, 1.0], 1), expected_best([0.0, 1.0], 2)
    (0.5, 0.75)
    """
    share = np.arange(len(values) + 1) / len(values)
    return float(np.sort(values) @ np.diff(share**tries))


def _at_equal_time(
    results: Results, asked: str
) -> tuple[dict[str, dict[str, Run]], dict[str, dict[str, float]]]:
    """Return method -> instance -> run and ratio, where a method is fast enough."""
    budget = {run.pairing: decision_seconds(run) for run in results.runs if run.method == asked}
    found: dict[str, dict[str, Run]] = defaultdict(dict)
    ratios: dict[str, dict[str, float]] = defaultdict(dict)
    for run in results.runs:
        known = _ratios(run) if run.pairing in budget else []
        allowed = budget.get(run.pairing, 0.0) * (1.0 + TIE_SECONDS)
        tries = 1 if run.method == asked else int(allowed / decision_seconds(run))
        if known and tries:
            found[run.method][run.pairing] = run
            ratios[run.method][run.pairing] = expected_best(known, tries)
    return found, ratios


def _ratios(run: Run) -> list[float]:
    figures = [choice.figures() for choice in run.choices()]
    known = [each[_RATIO.name] for each in figures if _RATIO.name in each]
    return known if len(known) == len(figures) else []


def _cell(runs: Mapping[str, Run], ratios: Mapping[str, float], setting: str) -> TableCell:
    inside = [(p, run) for p, run in runs.items() if run.setting == setting]
    if not inside:
        return EMPTY
    values = {run.seed: ratios[pairing] for pairing, run in inside}
    interval = mean_interval(list(values.values()), rng=Streams(0)("bootstrap"))
    method = inside[0][1].method
    return interval_cell(Summary(named(_RATIO.name), setting, method, values, interval))


def _score(values: Mapping[str, float], others: Mapping[str, float]) -> tuple[int, int, int]:
    gaps = [values[pairing] - others[pairing] for pairing in values.keys() & others.keys()]
    won, lost = sum(gap > TIE_ENERGY for gap in gaps), sum(gap < -TIE_ENERGY for gap in gaps)
    return won, len(gaps) - won - lost, lost
