"""Whether a finished cell kept all of its records: only complete ones are compared.

A line that was cut, merged by hand or written by broken code looks like any other; its last round
would pass for the final one. Here every round of the plan must be there, and in each of them every
task, and every client with its tasks, that the first one has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qfl.core.record import RoundRecord
from qfl.report.words import listed
from qfl.study.store import CellRow


def gap(row: CellRow) -> str:
    """Return what the records of a finished cell lack, "" if they are complete.

    A training whose privacy budget ended it may stop early, and says so itself; who was forgotten
    may be gone.
    """
    if not row.rounds:
        return "there is no record"
    numbers = [record.round for record in row.rounds]
    first, last = _planned(row)
    if numbers != list(range(first, last + 1)):
        missing = sorted(set(range(first, last + 1)) - set(numbers))
        if not missing:
            return f"rounds {first} to {last} are not there once each, in order"
        return f"no record of round {listed([str(number) for number in missing])}"
    if row.cell.stream:  # clients are measured on what they do in a stage, or sit it out
        return _unmeasured([replace(record, client_metrics={}) for record in row.rounds])
    return _unmeasured(row.rounds, may_leave=bool(row.cell.forget))


def _planned(row: CellRow) -> tuple[int, int]:
    """Return the numbers of the first and of the last record: repetitions of a decision, or the
    rounds of a training, down to the one after which its privacy budget was spent."""
    if row.cell.decision:
        return 1, int(row.cell.decision.get("repeats", 1))
    end = row.rounds[-1]
    if end.privacy is not None and end.privacy.stopped:
        return 0, end.round
    return 0, int(row.cell.federation["rounds"])


def _unmeasured(rounds: Sequence[RoundRecord], *, may_leave: bool = False) -> str:
    """Return the first measurement of round 0 that a later round lacks, "" if there is none."""
    start = rounds[0]
    for record in rounds[1:]:
        if lost := start.metrics.keys() - record.metrics.keys():
            return f"round {record.round} lacks {listed(sorted(lost))}"
        for client, measured in start.client_metrics.items():
            if may_leave and client not in record.client_metrics:
                continue
            lost = measured.keys() - record.client_metrics.get(client, {}).keys()
            if lost:
                return f"round {record.round} lacks {listed(sorted(lost))} of {client}"
    return ""
