"""Tasks of a study that no client holds: they are scored all the same, so a reader must know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from qfl.core.arrays import canonical_json
from qfl.core.cell import Cell
from qfl.core.rng import Streams
from qfl.study.options import build_row


def untrained(cells: Iterable[Cell]) -> list[str]:
    """Return one sentence for each task that nobody can train in some of the cells.

    Args:
        cells: of a study with its profiles; equal scenarios are looked at once per seed.
    """
    scenarios = {
        (canonical_json(cell.scenario), cell.seed): cell.scenario for cell in cells if cell.scenario
    }
    seeds: dict[str, set[int]] = defaultdict(set)
    for (_, seed), scenario in scenarios.items():
        for task in build_row("scenario", scenario).untrained(Streams(seed)):
            seeds[task].add(seed)
    return [
        f"note: no client holds {task} with {_listed(found)}; its metrics are those of a head as "
        "it began. Take more clients, or more tasks per client"
        for task, found in sorted(seeds.items())
    ]


def _listed(seeds: set[int]) -> str:
    names = ", ".join(map(str, sorted(seeds)))
    return f"seed {names}" if len(seeds) == 1 else f"seeds {names}"
