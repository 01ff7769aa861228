"""Clients with more samples than a masked sum allows for: known before anybody trains."""

from __future__ import annotations

from collections.abc import Iterable

from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.rng import Streams
from qfl.study.options import Issue, build_row


def too_heavy(cells: Iterable[Cell]) -> list[Issue]:
    """Return one issue for each limit of weights below what a client has in some of the cells.

    Under privacy every client weighs 1.

    Args:
        cells: of a study; equal scenarios are built once per seed.
    """
    largest: dict[tuple[str, int], int] = {}
    most: dict[int, int] = {}
    for cell in cells:
        masked = cell.channel.get("name") == "masked"
        if not masked or cell.privacy.get("mechanism", "none") != "none":
            continue
        key = (canonical_json(cell.scenario), cell.seed)
        if key not in largest:
            largest[key] = _largest(cell)
        limit = int(build_row("channel", cell.channel).heaviest)
        if largest[key] > limit:
            most[limit] = max(most.get(limit, 0), largest[key])
    return [
        Issue(
            "channel.heaviest",
            f"a client has {samples} samples, a masked sum allows for {limit}; raise it to "
            f"{samples} or more",
        )
        for limit, samples in sorted(most.items())
    ]


def _largest(cell: Cell) -> int:
    clients = build_row("scenario", cell.scenario).build(Streams(cell.seed)).clients
    return max(len(client.train) for client in clients)
