"""What masks, privacy and attacks did to the runs of a study, as tables and one figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qfl.core.events import PrivacyEvent, SumEvent
from qfl.core.metrics import metric
from qfl.core.rng import Streams
from qfl.report.charts import lineplots
from qfl.report.charts.figures import Figure
from qfl.report.charts.palette import Style
from qfl.report.deciding.decisions import Point, by_setting
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.intervals import mean_interval
from qfl.report.statistics.outcomes import Summary
from qfl.report.tables import Table, TableCell, TableRow, plain_columns
from qfl.report.words import display, listed

_PARTICULARS = re.compile(r"'[^']*'|\d+")


def matrix_tables(results: Results, summaries: Sequence[Summary]) -> tuple[Table, Table]:
    """Return methods by settings: the headline's metric, and what a backdoor achieved."""
    asked = results.headline.metric if results.headline else ""
    backdoor = next((n for n in results.metrics if n.endswith(".attack_success")), "")
    several = results.trains and len(results.settings) > 1
    tables = []
    for key, name in (("matrix", asked), ("backdoors", backdoor)):
        if name and several:
            found = by_setting(results, summaries, name)
            caption = f"Final {metric(name).label}, by method and setting"
            tables.append(replace(found, key=key, caption=caption))
        else:
            tables.append(Table(key, "", (), ()))
    return tables[0], tables[1]


def sums_table(results: Results) -> Table:
    """Return the masked sums of every method: how many, how large, at what price in key."""
    rows = []
    for setting, method, runs in _groups(results):
        events = [event for run in runs for r in run.row.rounds for event in r.sums]
        if not events:
            continue
        opened = [event for event in events if not event.given_up]
        ratios = [event.key_ratio for event in opened if event.key_ratio is not None]
        sizes = [event.clients for event in opened] or [0]
        cells = (
            (display(method), results.methods.index(method)),
            (display(setting), setting),
            (listed(sorted({event.masks for event in events})), ""),
            (f"{len(opened)} of {len(events)}", len(opened)),
            (f"{min(sizes)} to {max(sizes)}", max(sizes)),
            (str(sum(e.clients - e.survivors for e in opened)), 0),
            (f"{max(e.modulus_bits for e in events)}", 0),
            (f"{np.mean([e.key_bits for e in opened]) if opened else 0:,.0f}", 0),
            (_mean([e.least_key_bits for e in opened]), 0),
            (_mean([e.naive_key_bits for e in opened]), 0),
            (f"{np.mean(ratios):.4g}" if ratios else "–", 0),
            (_cut(events), sum(e.cut for e in events)),
        )
        rows.append(TableRow(tuple(TableCell(t, sort=s) for t, s in cells), method, setting))
    return Table(
        "sums",
        "Masked sums, by method",
        plain_columns(
            *("method", "setting", "masks", "opened|", "clients|", "dropouts recovered|"),
            *("bits a number|", "key bits a sum|", "at the least|", "pairwise pads|"),
            *("key against the least|", "numbers cut|"),
        ),
        tuple(rows),
        "The server saw these sums and no single change. The least is the proven minimum of key "
        "bits for information-theoretic sums that tolerate as many dropouts, pairwise pads the "
        "naive way, one symbol per pair and number. Pads are a little above the least because "
        "their last block is filled up and, where dropouts are tolerated, symbols take one bit "
        "more; streams are below it because a cipher stretches their keys. Numbers beyond the "
        f"largest change were cut to it.{_drift(results)} {_left_out(results)}",
    )


def privacy_table(results: Results) -> Table:
    """Return what every method guarantees, with everything that the claim depends on."""
    rows = []
    for setting, method, runs in _groups(results):
        spent = [event for run in runs if (event := _last(run)) is not None]
        if not spent:
            continue
        worst = max(spent, key=lambda event: event.epsilon)
        stopped = sorted({run.rounds for run in runs if (e := _last(run)) and e.stopped})
        rows.append(TableRow(_guarantee(results, method, worst, stopped), method, setting))
    return Table(
        "privacy",
        "Differential privacy, by method",
        plain_columns(
            *("method", "ε|", "δ|", "adjacency", "conversion", "ε by Rényi|", "sampling"),
            *("noise multiplier|", "clip|", "releases|", "shares that may miss|", "stopped"),
        ),
        tuple(rows),
        "(ε, δ) of the client who took part most often, the worst over seeds, for all rounds "
        "together; no amplification by sampling is claimed. Sample counts and device speeds are "
        "taken to be public. The noise is drawn from the study's generator, which a deployment "
        "must not do.",
    )


def epsilon_figure(results: Results, looks: Sequence[Style]) -> tuple[Figure, ...]:
    """Return the final value of the headline's metric against epsilon, where there is any."""
    if results.headline is None:
        return ()
    name = results.headline.metric
    points = []
    for setting, method, runs in _groups(results):
        spent = [event.epsilon for run in runs if (event := _last(run)) is not None]
        if spent and max(spent) > 0:
            values = [float(run.curve(name)[-1]) for run in runs]
            interval = mean_interval(values, rng=Streams(0)("bootstrap"))
            points.append(Point(runs[0].label, method, setting, max(spent), interval))
    if not points:
        return ()
    caption = (
        "Mean over seeds with its 95 % interval. ε depends on δ, adjacency and conversion, which "
        "the table of privacy states method by method."
    )
    return (lineplots.axis_figure(points, looks, name=name, axis="epsilon", caption=caption),)


def _guarantee(
    results: Results, method: str, event: PrivacyEvent, stopped: list[int]
) -> tuple[TableCell, ...]:
    when = f"before round {listed([str(r) for r in stopped])}: budget" if stopped else "–"
    cells = (
        (display(method), results.methods.index(method)),
        (f"{event.epsilon:.4g}", event.epsilon),
        (f"{event.delta:g}", event.delta),
        (event.adjacency, ""),
        (event.conversion, ""),
        (f"{event.epsilon_renyi:.4g}", event.epsilon_renyi),
        (event.sampling, ""),
        (f"{event.noise_multiplier:g}", event.noise_multiplier),
        (f"{event.clip:.3g}", event.clip),
        (str(event.releases), event.releases),
        (str(event.missing), event.missing),
        (when, ""),
    )
    return tuple(TableCell(text, sort=sort) for text, sort in cells)


def _groups(results: Results) -> list[tuple[str, str, tuple[Run, ...]]]:
    return [
        (setting, method, runs)
        for setting in results.settings
        for method in results.methods
        if (runs := results.of(setting, method))
    ]


def _last(run: Run) -> PrivacyEvent | None:
    return run.row.rounds[-1].privacy


def _mean(bits: Sequence[float]) -> str:
    """Return a mean of key bits; a dash where older records do not hold them."""
    return f"{np.mean(bits):,.0f}" if bits and all(bits) else "–"


def _cut(events: Sequence[SumEvent]) -> str:
    """Return how many numbers did not fit, and how many of them are of no module."""
    beside = sum(event.cut_beside for event in events)
    return f"{sum(event.cut for event in events):,}" + (f" ({beside:,} beside)" if beside else "")


def _drift(results: Results) -> str:
    """Return what cut control variates mean, "" if none was."""
    rounds = (record for run in results.runs for record in run.row.rounds)
    if not any(event.cut_beside for record in rounds for event in record.sums):
        return ""
    return (
        " Those beside modules are of control variates: a client keeps its own whole, and the "
        "server's moves by what fits, so the two drift apart by what was cut; raise "
        "channel.largest_change."
    )


def _left_out(results: Results) -> str:
    """Return why sums were given up, with counts."""
    reasons: Counter[str] = Counter()
    for run in results.runs:
        for record in run.row.rounds:
            reasons.update(
                _PARTICULARS.sub("…", event.given_up) for event in record.sums if event.given_up
            )
    if not reasons:
        return "No sum was given up."
    parts = [f"{count} × {reason}" for reason, count in reasons.most_common()]
    return f"Given up, their modules stayed as they were: {'; '.join(parts)}."
