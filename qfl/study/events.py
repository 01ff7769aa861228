"""What a run tells whoever watches it; the command line turns these into a display."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qfl.core.cell import Cell
from qfl.core.record import RoundRecord
from qfl.study.store import CellRow


@dataclass(frozen=True, slots=True)
class Planned:
    """The first event: what this run will do.

    Attributes:
        folder: the run folder.
        todo: cells that will be played, in order.
        reused: finished cells that are not played again, stale ones included.
        stale: finished cells that other code made; in `todo` or `reused`, as `rerun` says.
        interrupted: cells that a dead process left running; they are in `todo`.
    """

    folder: Path
    todo: tuple[Cell, ...]
    reused: tuple[Cell, ...]
    stale: tuple[Cell, ...]
    interrupted: tuple[Cell, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON types."""
        counts = {
            name: len(getattr(self, name)) for name in ("todo", "reused", "stale", "interrupted")
        }
        return {"event": "planned", "folder": str(self.folder), **counts}


@dataclass(frozen=True, slots=True)
class RoundPlayed:
    """A cell finished one round; nothing is stored yet."""

    cell: Cell
    record: RoundRecord

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON types."""
        return {
            "event": "round",
            **name_of(self.cell),
            "round": self.record.round,
            "metrics": self.record.measured(),
        }


@dataclass(frozen=True, slots=True)
class CellStored:
    """A cell ended and its line is safe on disk.

    Attributes:
        row: the line.
        log: the file that holds the traceback of an unexpected failure, or None.
    """

    row: CellRow
    log: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON types."""
        return {
            "event": "cell",
            **name_of(self.row.cell),
            "status": self.row.status,
            "reason": self.row.reason,
            "seconds": self.row.timings.get("total_seconds", 0.0),
            "metrics": self.row.rounds[-1].measured() if self.row.rounds else {},
        }


Event = Planned | RoundPlayed | CellStored


def name_of(cell: Cell) -> dict[str, Any]:
    """Return how events and displays name a cell."""
    return {"id": cell.id, "labels": dict(cell.labels), "seed": cell.seed}
