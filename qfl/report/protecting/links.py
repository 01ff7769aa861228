"""Key exchange as it went, link by link: error rates, key produced, sessions that aborted."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.events import LinkEvent
from qfl.report.runs.pools import pool_levels
from qfl.report.runs.results import Results

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Link:
    """All sessions of one client's link over all finished cells.

    Attributes:
        qber: (lower quartile, median, upper quartile) of sessions that gave a key; () if none.
        aborted_qber: error rates of aborted sessions, where measured.
        secret_bits, disclosed_bits: means per session that gave a key.
    """

    client: str
    sessions: int
    aborted: int
    qber: tuple[float, ...]
    aborted_qber: tuple[float, ...]
    secret_bits: float
    disclosed_bits: float


@dataclass(frozen=True, slots=True)
class Abort:
    """Sessions that aborted in the same round, on the same link, for the same kind of reason.

    Attributes:
        reason: as reported; numbers that differ between cells are an ellipsis.
        qber: error rates, where measured.
        cells: how many cells it happened in.
    """

    round: int
    client: str
    reason: str
    qber: tuple[float, ...]
    cells: int


@dataclass(frozen=True, slots=True)
class Pools:
    """Key bits left on the poorest link: quartiles over cells, one entry per round."""

    rounds: NDArray[np.float64]
    lower: NDArray[np.float64]
    median: NDArray[np.float64]
    upper: NDArray[np.float64]


def links(results: Results) -> tuple[Link, ...]:
    """Return one link per client that exchanged keys, by client."""
    events: dict[str, list[LinkEvent]] = defaultdict(list)
    for _, event, _ in _events(results):
        events[event.client].append(event)
    return tuple(_link(client, seen) for client, seen in sorted(events.items()))


def aborts(results: Results) -> tuple[Abort, ...]:
    """Return all aborted sessions, by round, client and kind of reason."""
    found: dict[tuple[int, str, str], list[tuple[LinkEvent, str]]] = defaultdict(list)
    for number, event, cell in _events(results):
        if event.aborted:
            kind = _NUMBER.sub("", event.aborted)
            found[number, event.client, kind].append((event, cell))
    return tuple(
        Abort(
            round=number,
            client=client,
            reason=_in_common([event.aborted for event, _ in seen]),
            qber=tuple(event.qber for event, _ in seen if event.qber is not None),
            cells=len({cell for _, cell in seen}),
        )
        for (number, client, _), seen in sorted(found.items())
    )


def _in_common(reasons: list[str]) -> str:
    """Return reasons that differ in numbers alone as one, differing numbers as an ellipsis."""
    numbers = zip(*(_NUMBER.findall(reason) for reason in reasons), strict=True)
    kept = iter([values[0] if len(set(values)) == 1 else "…" for values in numbers])
    return _NUMBER.sub(lambda _: next(kept), reasons[0])


def poorest_pools(results: Results) -> Pools:
    """Return, round by round, the key bits left on the poorest link called so far."""
    left: dict[int, list[int]] = defaultdict(list)
    for run in results.runs:
        for levels in pool_levels(run):
            left[levels.round].append(levels.poorest)
    rounds = np.array(sorted(left), dtype=np.float64)
    quartiles = np.array([np.quantile(left[int(r)], [0.25, 0.5, 0.75]) for r in rounds])
    lower, median, upper = quartiles.reshape(-1, 3).T
    return Pools(rounds, lower, median, upper)


def _events(results: Results) -> list[tuple[int, LinkEvent, str]]:
    return [
        (record.round, event, cell)
        for run, cell in ((run, run.row.cell.id) for run in results.runs)
        for record in run.row.rounds
        for event in record.links
    ]


def _link(client: str, seen: list[LinkEvent]) -> Link:
    kept = [event for event in seen if not event.aborted]
    rates = [event.qber for event in kept if event.qber is not None]
    return Link(
        client=client,
        sessions=len(seen),
        aborted=len(seen) - len(kept),
        qber=tuple(np.quantile(rates, [0.25, 0.5, 0.75]).tolist()) if rates else (),
        aborted_qber=tuple(e.qber for e in seen if e.aborted and e.qber is not None),
        secret_bits=float(np.mean([event.secret_bits for event in kept])) if kept else 0.0,
        disclosed_bits=float(np.mean([event.disclosed_bits for event in kept])) if kept else 0.0,
    )
