"""The headline's two methods task by task: which tasks are won, which lost, which undecided.

Verdicts read the paired interval of one task; they describe, and share no alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from qfl.core.metrics import OF_SCORES, metric
from qfl.report.runs.results import HeadlineRequest, Results
from qfl.report.statistics.compare import Difference, difference
from qfl.report.statistics.headline import interval_text
from qfl.report.statistics.outcomes import final_value
from qfl.report.tables import Table, TableCell, TableColumn, TableRow, plain_columns
from qfl.report.words import display, listed

Verdict = Literal["better", "worse", "undecided", "identical"]

FEWEST_PAIRS = 5
"""Paired seeds below which an interval decides nothing."""


def verdict(found: Difference) -> Verdict:
    """Return what the paired interval says of the method against its baseline; "identical" if
    there is nothing to decide, as no pair differs."""
    if all(first == second for _, first, second in found.pairs):
        return "identical"
    if len(found.pairs) < FEWEST_PAIRS or not found.interval.excludes(0.0):
        return "undecided"
    more = found.interval.estimate > 0
    return "better" if more == found.outcome.metric.higher_is_better else "worse"


def task_differences(results: Results) -> tuple[Difference, ...]:
    """Return the headline's method minus its baseline at the end: per setting, every task.

    Where the headline is about personal models or some modalities alone, the tasks are measured
    in the same way. Empty where there are fewer than two tasks.
    """
    request = results.headline
    names = _tasks(results, request) if request else ()
    if request is None or len(names) < 2:
        return ()
    return tuple(
        found
        for setting in results.settings
        for method in results.variants(request.method)
        for baseline in results.variants(request.baseline)
        for name in names
        if (first := results.of(setting, method))
        and (second := results.of(setting, baseline))
        and (found := difference(final_value(name), first, second, tested=False)) is not None
    )


def tasks_table(results: Results) -> Table:
    """Return the headline's two methods task by task; its finding names the tasks lost."""
    found = task_differences(results)
    columns, rows = verdicts(results, found, what="task")
    finding = _finding(results.headline, found) if results.headline and found else ""
    note = f"{finding} {_NOTE}" if found else ""
    return Table("tasks", "The headline, task by task", columns, rows, note, finding)


_NOTE = (
    "The verdict is that of the paired interval of this task alone, at the end; it is undecided "
    f"below {FEWEST_PAIRS} pairs. Intervals are not adjusted for the number of tasks."
)


def verdicts(
    results: Results,
    found: Sequence[Difference],
    *,
    what: str,
    reading: Callable[[Difference], str] = verdict,
) -> tuple[tuple[TableColumn, ...], tuple[TableRow, ...]]:
    """Return the columns and rows of a table of differences, each with both means and a verdict.

    Args:
        results: whose settings are told apart if there are several.
        found: differences of any outcomes.
        what: heads the column that names the outcome.
        reading: what is said of a difference.
    """
    several = len(results.settings) > 1
    columns = plain_columns("setting") if several else ()
    columns += plain_columns("comparison", what, "method|", "baseline|")
    columns += plain_columns("difference [95 % interval]|", "pairs|", "verdict")
    rows = []
    for each in found:
        measured = each.outcome.metric
        means = [sum(pair[side] for pair in each.pairs) / len(each.pairs) for side in (1, 2)]
        cells = (
            *([_text(display(each.setting))] if several else []),
            _text(f"{display(each.method)} minus {display(each.baseline)}"),
            _text(display(measured.label.removeprefix("final "))),
            *(TableCell(measured.text(mean), sort=mean) for mean in means),
            TableCell(interval_text(each), sort=each.interval.estimate),
            TableCell(str(len(each.pairs)), sort=len(each.pairs)),
            _text(reading(each)),
        )
        rows.append(TableRow(cells, each.method, each.setting))
    return columns, tuple(rows)


def _tasks(results: Results, request: HeadlineRequest) -> tuple[str, ...]:
    """Return the metrics of single tasks, measured where the headline's is."""
    part = request.metric.partition("@")[2]
    parted = [(name, *name.partition("@")[::2]) for name in results.metrics]
    return tuple(
        name
        for name, path, shown in sorted(parted)
        if shown == part and "." in path and path.rpartition(".")[2] in OF_SCORES
    )


def _finding(request: HeadlineRequest, found: Sequence[Difference]) -> str:
    by_verdict: dict[Verdict, list[str]]
    by_verdict = {"worse": [], "better": [], "undecided": [], "identical": []}
    several = len({(each.method, each.baseline) for each in found}) > 1
    for each in found:
        place = [display(each.setting)] if each.setting else []
        place += [display(each.method), display(each.baseline)] if several else []
        name = display(metric(each.outcome.metric.name.partition("@")[0]).label)
        by_verdict[verdict(each)].append(f"{name} ({', '.join(place)})" if place else name)
    lost, won, undecided, same = (listed(names) or "none" for names in by_verdict.values())
    if len({each.setting for each in found}) > 1:
        undecided, same = (
            f"{len(by_verdict[reading])} of {len(found)}" for reading in ("undecided", "identical")
        )
    alike = f"; identical: {same}" if by_verdict["identical"] else ""
    return (
        f"Task by task, {display(request.method)} loses to {display(request.baseline)} on {lost}; "
        f"it wins on {won}; undecided: {undecided}{alike}."
    )


def _text(text: str) -> TableCell:
    return TableCell(text, sort=text)
