"""What is left after a request to forget: one table, its reading, and how it was examined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qfl.core.metrics import OF_FORGETTING
from qfl.report.runs.results import Results
from qfl.report.statistics.outcomes import Summary
from qfl.report.tables import Table, summary_table
from qfl.report.words import display, listed

DRAWN = ("membership_auc", "forgetting_cost", "retraining_distance")
"""What is drawn of it."""
_CHANCE = 0.5


def forgetting_table(results: Results, summaries: Sequence[Summary]) -> Table:
    """Return methods by numbers of the examination, with what these say."""
    table = summary_table(
        results,
        summaries,
        key="forgetting",
        caption="What is left of the forgotten, by method",
        groups=("forgetting",),
    )
    return replace(table, note=_reading(summaries))


def measured(results: Results) -> tuple[str, ...]:
    """Return the names of the numbers that some run has."""
    known = {name for run in results.runs for name in run.metric_names()}
    return tuple(name for name in OF_FORGETTING if name in known)


def method(results: Results) -> str:
    """Return how forgetting was examined, "" if nothing was forgotten."""
    asked = {
        _request(run.row.cell.forget): run.row.cell.forget["retrainings"]
        for run in results.runs
        if run.row.cell.forget
    }
    if not asked:
        return ""
    retrainings = listed([str(number) for number in sorted(set(asked.values()))])
    return (
        f"Forgotten: {'; '.join(sorted(asked))}. {_gone(results)}"
        "Each method is compared with the same system "
        "trained without what was forgotten, from the same fresh weights and with the same streams "
        f"(the retrained), and with {retrainings} independent retrainings from other weights, "
        "batches and choices of clients. Their training is on no bill. Distances of a method to "
        "the retrained are zero only if both are equal bit for bit."
    )


def _request(forget: Mapping[str, Any]) -> str:
    what = (
        listed(list(forget["clients"]))
        or (forget["modality"] and f"modality {forget['modality']}")
        or f"task {forget['task']}"
    )
    when = f"round {forget['round']}" if forget["round"] else "the last round"
    return f"{what} in {when}"


def _gone(results: Results) -> str:
    """Return which modules left the model with what was forgotten, and why."""
    found: dict[str, str] = {}
    for run in results.runs:
        for record in run.row.rounds:
            if not set(OF_FORGETTING).isdisjoint(record.metrics):
                found |= record.left_out
    names = [f"{module} ({why})" for module, why in sorted(found.items())]
    return f"Modules that left the model: {listed(names)}. " if names else ""


def _reading(summaries: Sequence[Summary]) -> str:
    """Return which methods are exact, and which an attacker sees through."""
    by_name = {
        name: [s for s in summaries if s.outcome.metric.name == name]
        for name in ("output_divergence", "membership_auc")
    }
    exact = [s for s in by_name["output_divergence"] if not any(s.values.values())]
    parts = []
    if exact:
        parts.append(f"Equal to the retrained bit for bit on every seed: {_names(exact)}.")
    asked = [s for s in by_name["membership_auc"] if s.interval.known]
    at_chance = [s for s in asked if s.interval.low <= _CHANCE <= s.interval.high]
    same = {(s.setting, s.method) for s in exact}
    over = [s for s in asked if s.interval.low > _CHANCE]
    above = [s for s in over if (s.setting, s.method) not in same]
    lucky = [s for s in over if (s.setting, s.method) in same]
    below = [s for s in asked if s.interval.high < _CHANCE]
    for found, text in (
        (at_chance, "The interval of the membership AUC includes chance (0.5)"),
        (above, "It lies above chance, traces are found"),
        (lucky, "It lies above chance by the luck of the samples, the model never met them"),
        (below, "It lies below chance, forgotten samples look stranger than strangers"),
    ):
        if found:
            parts.append(f"{text}: {_names(found)}.")
    return " ".join(parts)


def _names(found: Sequence[Summary]) -> str:
    several = len({s.setting for s in found}) > 1
    names = [
        f"{display(s.method)} ({display(s.setting)})" if several else display(s.method)
        for s in found
    ]
    return listed(names)
