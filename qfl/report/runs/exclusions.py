"""What did not count: clients and modules left out of rounds, tasks that nobody trained."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from qfl.core.metrics import OF_FORGETTING
from qfl.core.record import RoundRecord
from qfl.report.runs.participation import untrained_tasks
from qfl.report.runs.results import Results
from qfl.report.words import count, display, listed

_MOST = 8
"""Sentences that are printed; the records hold all."""


def paragraph(results: Results) -> str:
    """Return what was left out of rounds, how often and why, "" if nothing was."""
    found = Counter(
        reason for run in results.runs for record in run.row.rounds for reason in _reasons(record)
    )
    if not found:
        return ""
    rows = [f"{what}, {count(times, 'time')}: {why}." for (what, why), times in found.most_common()]
    rest = f" And {count(len(rows) - _MOST, 'other')}, see the records." if rows[_MOST:] else ""
    return f"Over all runs: {' '.join(rows[:_MOST])}{rest}"


def untrained(results: Results) -> list[str]:
    """Return one sentence for each task that is scored and was trained by nobody in some run."""
    runs: dict[str, list[str]] = defaultdict(list)
    for run in results.runs:
        for task in untrained_tasks(run.row.rounds):
            runs[task].append(run.method)
    return [
        f"Nobody trained {task} in {len(methods)} of {count(len(results.runs), 'run')} "
        f"({_names(methods)}): its metrics there are those of a head as it began."
        for task, methods in sorted(runs.items())
    ]


def _reasons(record: RoundRecord) -> Iterator[tuple[str, str]]:
    """What a round left out, and why; what was forgotten on request is told elsewhere."""
    yield from record.excluded.items()
    if set(OF_FORGETTING).isdisjoint(record.metrics):
        yield from record.left_out.items()


def _names(methods: Sequence[str]) -> str:
    return listed([display(method) for method in dict.fromkeys(methods)])
