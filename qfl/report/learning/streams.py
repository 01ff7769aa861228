"""What learning a stream did: scores on every stage, transfer, forgetting, and the price."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.metrics import OF_STREAMS, metric
from qfl.federation.continual.rounds import ends
from qfl.federation.continual.transfer import learning_score
from qfl.report.learning.by_task import FEWEST_PAIRS, verdict, verdicts
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.compare import Difference, difference
from qfl.report.statistics.outcomes import Outcome, Summary, named, summarise
from qfl.report.tables import (
    EMPTY,
    Table,
    TableCell,
    TableRow,
    interval_cell,
    plain_columns,
    summary_table,
)
from qfl.report.words import count, display, listed

DRAWN = ("continual_score", "forgetting", "backward_transfer", "forward_transfer")
"""What is drawn of it, beside the curves."""
_OF_CLIENTS = ("continual_score@personal", "forgetting@personal", "forgetting@worst client")
_ALWAYS_TOLD = ("better", "worse", "undecided")
_FORWARD = "forward_transfer"
_NO_TRANSFER = "zero by construction"
_BASELINE, _CEILING, _ALONE = "naive", "joint", "fresh"
"""Strategies that others are compared with."""


_POOLED = (
    "A client's R² compares with the variance of the target in all test samples of the stage: its "
    "own are few."
)


def stream_table(results: Results, summaries: Sequence[Summary]) -> Table:
    """Return strategies by what the matrix of scores says of them."""
    return summary_table(
        results,
        summaries,
        key="stream",
        caption="What is left of every stage, by method",
        groups=("stream",),
        note="± is half of the 95 % interval of the mean over seeds.",
    )


def clients_table(results: Results, summaries: Sequence[Summary]) -> Table:
    """Return strategies by what the clients' own matrices say: the mean, the worst, the spread."""
    return summary_table(
        results,
        summaries,
        key="stream-clients",
        caption="What is left of every stage at the clients, by method",
        groups=("stream clients",),
        note="Each client with the model that it uses on its own test samples of the stages in "
        f"which it takes part; clients count alike. {_POOLED} ± is half of the 95 % interval of "
        "the mean over seeds.",
    )


def verdicts_table(results: Results) -> Table:
    """Return every strategy against the naive one, the ceiling and fresh starts, seed by seed; its
    finding names what is won, lost, undecided and bound to be alike against the naive one."""
    found = stream_differences(results)
    columns, rows = verdicts(results, found, what="what", reading=partial(_reading, results))
    finding = _finding(results, found)
    note = f"{finding} {_NOTE}".strip() if found else ""
    caption = "Strategies against the naive one, the ceiling and fresh starts"
    return Table("stream-verdicts", caption, columns, rows, note, finding)


_NOTE = (
    "Differences are paired by seed; the verdict is that of the interval of this line alone, and "
    f"undecided below {FEWEST_PAIRS} pairs. Intervals are not adjusted for the number of lines; "
    "only the headline is tested."
)


def stream_differences(results: Results) -> tuple[Difference, ...]:
    """Return strategies minus the naive one in scores and prices, minus joint training in the mean
    score, and minus fresh starts in the score on later stages as learnt."""
    strategies = _strategies(results)
    references = (_CEILING, _ALONE)
    learning = [m for m in results.methods if strategies.get(m, _CEILING) not in references]
    asked: list[tuple[str, str, tuple[Outcome, ...]]] = []
    for method, other in product(learning, results.methods):
        against = strategies.get(other)
        if against == _BASELINE and strategies[method] != _BASELINE:
            scores = map(named, (*OF_STREAMS, *_OF_CLIENTS))
            asked.append((method, other, (*scores, *_PRICES)))
        elif against == _CEILING:
            scores = map(named, ("continual_score", _OF_CLIENTS[0]))
            asked.append((method, other, tuple(scores)))
        elif against == _ALONE:
            asked.append((method, other, (_LATER,)))
    return tuple(
        found
        for setting in results.settings
        for method, other, outcomes in asked
        for outcome in outcomes
        if (first := results.of(setting, method))
        and (second := results.of(setting, other))
        and (found := difference(outcome, first, second, tested=False)) is not None
    )


def drawn(summaries: Sequence[Summary]) -> tuple[Summary, ...]:
    """Return the summaries without transfer forward in settings where it is zero throughout."""
    transfers = [s for s in summaries if s.outcome.metric.name == _FORWARD]
    moved = {each.setting for each in transfers if any(each.values.values())}
    return tuple(s for s in summaries if s.outcome.metric.name != _FORWARD or s.setting in moved)


def matrix_table(results: Results) -> Table:
    """Return the mean score on every stage (columns) after every stage (rows), by method."""
    several = len(results.settings) > 1
    runs = [run for run in results.runs if run.row.cell.stream]
    stages = max((run.row.cell.stream["stages"] for run in runs), default=0)
    columns = plain_columns(*(["setting"] if several else []), "method", "after")
    columns += plain_columns(*(f"on stage {number}|" for number in range(1, stages + 1)))
    rows = []
    for setting, method in product(results.settings, results.methods):
        own = [run for run in results.of(setting, method) if run.row.cell.stream]
        for after in range(_stages(own[0]) + 1) if own else ():
            cells = [_text(display(setting))] if several else []
            cells += [_text(display(method)), _text(_after(own[0].row.cell.stream, after))]
            found = (_entry(own, after, on) for on in range(stages))
            cells += [EMPTY if each is None else interval_cell(each) for each in found]
            rows.append(TableRow(tuple(cells), method, setting))
    caption = "Score on every stage, after every stage"
    note = _AT_HOME if any(not _by_server(run) for run in runs) else ""
    return Table("stream-matrix", caption, columns, tuple(rows), note)


_AT_HOME = (
    "Where clients keep modules at home, nobody uses the server's model: entries are then means "
    "over the clients, each with the model that it uses on its own test samples of the stage."
)


def scores(run: Run) -> NDArray[np.float64]:
    """Return (stages + 1, stages) scores of a run: untrained, then after every stage; of the
    server's model, or the mean over clients where these keep modules at home."""
    cell, stages = run.row.cell, _stages(run)
    last = (0, *ends(cell.federation["rounds"], stages, cell.stream["rounds"]))
    found = {record.round: record for record in run.row.rounds}
    names = [f"score.on_stage@{on}" for on in range(1, stages + 1)]
    if _by_server(run):
        return np.array([[found[r].metrics[name] for name in names] for r in last])
    clients = [found[r].client_metrics.values() for r in last]
    return np.array([[np.mean([c[n] for c in row if n in c]) for n in names] for row in clients])


def _by_server(run: Run) -> bool:
    return "score.on_stage@1" in run.row.rounds[0].metrics


def measured(results: Results) -> tuple[str, ...]:
    """Return the names of the numbers that some run has."""
    known = {name for run in results.runs for name in run.metric_names()}
    asked = (*OF_STREAMS, "forgetting_spread", *results.stage_metrics[:1])
    return tuple(name for name in asked if name in known)


def method(results: Results) -> str:
    """Return what changed and how that was measured, "" if nothing did."""
    streams = [(run, run.row.cell.stream) for run in results.runs if run.row.cell.stream]
    if not streams:
        return ""
    told = sorted({_told(run, stream) for run, stream in streams})
    return (
        f"{' '.join(told)} After every round the model is scored on the test samples of every "
        "stage (mean over tasks of accuracy or R²); other metrics are those on the test samples of "
        "all stages together. Before training and after every stage each client is scored on its "
        "own test samples of the stages in which it takes part, with the model that it uses. "
        f"{_POOLED} "
        "Transfer backward and forward: Lopez-Paz and Ranzato 2017, forward against the untrained "
        "model; forgetting: Chaudhry et al. 2018. Joint training has the samples of all stages in "
        "every round, and as many rounds, so that it computes more; fresh starts have every stage "
        "to themselves. Both are references and no strategies: they have "
        "no transfer. A head that starts at zero answers the same until it is trained, so that "
        "nothing is transferred forward to it before its stage. What a strategy sends, computes "
        "and keeps beyond the naive one is on its bill, but not the arithmetic of a pull within a "
        "step."
    )


def _told(run: Run, stream: Mapping[str, Any]) -> str:
    """What changes in a stream, and when."""
    kind = stream["kind"]
    what = {
        "tasks": f"the tasks {listed(list(stream['tasks']))} one after another",
        "classes": f"the classes of {stream['task']} in groups",
        "labels": f"seasons that shift the classes of {stream['task']} "
        f"(Dirichlet {stream['dirichlet_alpha']:g})",
        "modalities": f"seasons in which {100 * stream['strength']:g} % of the samples lack a "
        "modality, each in turn",
        "rotation": "seasons that turn pictures by a quarter more each",
    }
    found = what.get(kind, f"seasons of {kind} up to {stream['strength']:g}")
    last = (0, *ends(run.row.cell.federation["rounds"], stream["stages"], stream["rounds"]))
    rounds = listed([str(each) for each in np.diff(last)])
    return f"{count(stream['stages'], 'stage')}, {found}, of {rounds} rounds."


def _finding(results: Results, found: Sequence[Difference]) -> str:
    """Return what every strategy wins, loses and leaves open against the naive one."""
    strategies = _strategies(results)
    parts = []
    for setting, name in product(results.settings, results.methods):
        own = [
            d
            for d in found
            if (d.setting, d.method) == (setting, name) and strategies[d.baseline] == _BASELINE
        ]
        by_verdict = {
            reading: listed([_named(d) for d in own if _reading(results, d) == reading])
            for reading in ("better", "worse", "undecided", "identical", _NO_TRANSFER)
        }
        if own:
            place = f" ({display(setting)})" if setting else ""
            told = {k: v for k, v in by_verdict.items() if v or k in _ALWAYS_TOLD}
            texts = [f"{reading} in {what or 'nothing'}" for reading, what in told.items()]
            parts.append(
                f"{display(name)} against {display(own[0].baseline)}{place}: {'; '.join(texts)}."
            )
    return " ".join(parts)


def _named(found: Difference) -> str:
    """The label of what was measured, fit for a list: "forgetting (worst client)"."""
    name, _, of = found.outcome.metric.label.partition(", ")
    return f"{name} ({of})" if of else name


def _reading(results: Results, found: Difference) -> str:
    """Return the verdict, or that no strategy could have made a difference.

    A task has a head of its own, which is zero until its stage. Rows of one head, for classes that
    come later, are not: the classes of the first stage push them away.
    """
    runs = results.of(found.setting, found.method)
    moved = any(value for pair in found.pairs for value in pair[1:])
    if found.outcome.metric.name == _FORWARD and not moved:
        if all(run.row.cell.stream["kind"] == "tasks" for run in runs):
            return _NO_TRANSFER
    return verdict(found)


def _strategies(results: Results) -> dict[str, str]:
    """Method -> its strategy, of those with one."""
    runs = (run for run in results.runs if run.row.cell.stream)
    return {run.method: run.row.cell.stream["strategy"] for run in runs}


def _stages(run: Run) -> int:
    return int(run.row.cell.stream["stages"])


def _after(stream: Mapping[str, Any], stage: int) -> str:
    if not stage:
        return "nothing"
    name = f" ({display(stream['tasks'][stage - 1])})" if stream["tasks"] else ""
    return f"stage {stage}{name}"


def _entry(runs: Sequence[Run], after: int, on: int) -> Summary | None:
    """One entry of the matrix over seeds, None if the stream has no such stage."""
    if on >= _stages(runs[0]):
        return None
    measured = metric(f"score.on_stage@{on + 1}")
    return summarise(Outcome(measured, "stream", lambda run: scores(run)[after, on]), tuple(runs))


def _payload(run: Run) -> float:
    costs = run.costs()
    return float(costs.payload_bytes_up + costs.payload_bytes_down)


def _later(run: Run) -> float:
    """The mean score on the stages after the first, each right after it, of the server's model."""
    return learning_score(scores(run)[1:], first=1) if _by_server(run) else math.nan


_PRICES = (
    Outcome(metric("payload_bytes"), "cost", _payload),
    Outcome(metric("training_operations"), "cost", lambda run: run.costs().training_operations),
)
_LATER = Outcome(
    replace(metric("learning_score"), label="score as learnt, after the first stage"),
    "stream",
    _later,
)


def _text(text: str) -> TableCell:
    return TableCell(text, sort=text)
