"""Who took part, as counted from the records: which pairs of a modality and a task were trained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product

from qfl.core.record import RoundRecord
from qfl.report.runs.results import Run


def rounds_until_trained(records: Iterable[RoundRecord], times: int = 1) -> int | None:
    """Return the first round by which every pair of a modality and a task that somebody holds was
    trained `times` times; None if that never happened.

    A pair is trained in a round if the change of one client that holds it arrived.

    Args:
        records: of one federation, with that of round 0.
        times: rounds in which each pair must have been trained.
    """
    holdings: dict[str, list[tuple[str, str]]] = {}
    trained: Counter[tuple[str, str]] = Counter()
    for record in records:
        for client, held in record.holdings.items():
            holdings[client] = list(product(held["modalities"], held["tasks"]))
        trained.update({pair for client in record.delivered for pair in holdings[client]})
        everything = {pair for pairs in holdings.values() for pair in pairs}
        if everything and min(trained[pair] for pair in everything) >= times:
            return record.round
    return None


def rounds_to_pairs(run: Run, times: int = 1) -> float:
    """Return the rounds until every pair was trained `times` times, infinite if one never was; NaN
    where all clients hold the same, so that any of them trains every pair, or where a stream says
    when each is trained."""
    rounds: Sequence[RoundRecord] = run.row.rounds
    held = rounds[0].holdings.values() if rounds else ()
    if run.row.cell.stream or len({repr(each) for each in held}) < 2:
        return math.nan
    found = rounds_until_trained(rounds, times)
    return math.inf if found is None else float(found)


def counts_agree(run: Run, times: int = 1) -> bool | None:
    """Return whether the run's own count says the same as the one from its records; None if it
    kept none, or if it forgot something, after which it counts for the model that is left, or went
    through a stream, in whose stages clients hold different things."""
    counted = [r for r in run.row.rounds if r.least_trained is not None]
    if not counted or run.row.cell.forget or run.row.cell.stream:
        return None
    own = next((r.round for r in counted if (r.least_trained or 0) >= times), None)
    return own == rounds_until_trained(run.row.rounds, times)


def untrained_tasks(records: Sequence[RoundRecord]) -> set[str]:
    """Return the tasks that are scored although nobody has trained them: those that no client can
    train, as the first record says, and those of which no holder's change ever arrived.

    Args:
        records: of one federation, that of round 0 first.
    """
    if not records:
        return set()
    start, held = records[0], records[0].holdings
    scored = {name.partition(".")[0] for name in start.metrics if "." in name and "@" not in name}
    arrived = {client for record in records for client in record.delivered}
    trained = {task for name in arrived & held.keys() for task in held[name]["tasks"]}
    missed = scored - trained if arrived and held else set()
    return missed | (scored & start.excluded.keys())
