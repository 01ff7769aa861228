"""What a run looks like while it goes on: a live table, plain lines, JSON lines or nothing.

The live table appears only when stderr is a terminal and CI is unset; it is redrawn at most ten
times a second. Percentages count the cells to do now, not those reused.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Literal

from qfl.cli.output import count, duration, say
from qfl.core.cell import Cell
from qfl.core.record import RoundRecord
from qfl.study.events import CellStored, Event, Planned, RoundPlayed
from qfl.study.folder import describe

if TYPE_CHECKING:
    from rich.console import Group

Mode = Literal["auto", "plain", "none", "json"]
_REDRAW_SECONDS = 0.1


@dataclass(slots=True)
class Board:
    """What has happened so far.

    Attributes:
        metric: the one to show.
        workers: how many cells are played at a time.
        plan: the first event, None before it.
        ended: cells that ended, by status.
        playing: cell id -> the cell and its latest record.
        seconds: method -> real seconds of its finished cells.
        skipped: method -> why each of its cells was skipped.
    """

    metric: str
    workers: int = 1
    plan: Planned | None = None
    ended: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    playing: dict[str, tuple[Cell, RoundRecord]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _left: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def note(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, Planned):
            self.plan = event
            self.workers = max(1, min(self.workers, len(event.todo)))
            for cell in event.todo:
                self._left[_kind(cell)] += 1
        elif isinstance(event, RoundPlayed):
            self.playing[event.cell.id] = (event.cell, event.record)
        else:
            row = event.row
            self.playing.pop(row.cell.id, None)
            self.ended[row.status] += 1
            self._left[_kind(row.cell)] -= 1
            if row.status == "skipped":
                self.skipped[_kind(row.cell)].append(row.reason)
            if row.status == "done":
                self.seconds[_kind(row.cell)].append(row.timings["total_seconds"])

    @property
    def todo(self) -> int:
        """Cells that this run set out to play."""
        return len(self.plan.todo) if self.plan else 0

    @property
    def without_result(self) -> dict[str, list[str]]:
        """Methods of which this run skipped every cell, each with the reasons."""
        planned = (*self.plan.todo, *self.plan.reused) if self.plan else ()
        cells = Counter(map(_kind, planned))
        return {m: why for m, why in self.skipped.items() if len(why) == cells[m]}

    @property
    def left(self) -> int:
        """Cells that have not ended."""
        return self.todo - sum(self.ended.values())

    def seconds_left(self) -> float | None:
        """Return the estimate from finished cells of the same methods, None until each has one."""
        kinds = [kind for kind, number in self._left.items() if number]
        if not kinds or any(not self.seconds[kind] for kind in kinds):
            return None
        mean = {kind: sum(self.seconds[kind]) / len(self.seconds[kind]) for kind in kinds}
        total = sum(mean[kind] * self._left[kind] for kind in kinds)
        for cell, record in self.playing.values():
            share = record.round / rounds_of(cell)
            total -= mean.get(_kind(cell), 0.0) * min(1.0, share)
        return max(0.0, total) / self.workers

    def value(self, record: RoundRecord) -> str:
        """Return the shown metric of a record."""
        value = record.measured().get(self.metric)
        return "" if value is None else f"{value:.3f}"


Show = Callable[[Event], None]


@contextmanager
def display(mode: Mode, board: Board) -> Iterator[Show]:
    """Give a function that shows each event once the board has taken it in.

    "auto" is live on a terminal and plain elsewhere.
    """
    if mode == "json":
        yield _print_json
    elif mode == "none":
        yield lambda event: None
    elif mode == "auto" and sys.stderr.isatty() and not os.environ.get("CI"):
        with _live(board) as show:
            yield show
    else:
        yield partial(_print_line, board)


def _print_json(event: Event) -> None:
    print(json.dumps(event.to_dict(), sort_keys=True), flush=True)


def _print_line(board: Board, event: Event) -> None:
    """Say a line for the plan and for every cell that ends."""
    if isinstance(event, Planned):
        say(plan_line(event))
    elif isinstance(event, CellStored):
        say(f"[{board.todo - board.left}/{board.todo}] {_ending(board, event)}")


def plan_line(plan: Planned) -> str:
    """Return the plan in a sentence."""
    parts = [f"{plan.folder}: {count(len(plan.todo), 'cell')} to do"]
    if plan.interrupted:
        parts.append(f"{len(plan.interrupted)} of them interrupted before")
    if plan.reused:
        parts.append(f"{len(plan.reused)} done already")
    stale = {cell.id for cell in plan.stale} & {cell.id for cell in plan.reused}
    if stale:
        parts.append(f"{len(stale)} of those stale, made by other code (--rerun stale)")
    return ", ".join(parts)


def failure_line(event: CellStored) -> str:
    """Return what failed, why and where its traceback is."""
    row = event.row
    log = f"; traceback: {event.log}" if event.log else ""
    return f"{row.status}: {describe(row.cell)} ({row.cell.id[:12]}): {row.reason}{log}"


def _ending(board: Board, event: CellStored) -> str:
    row = event.row
    if row.status != "done":
        return failure_line(event)
    left = board.seconds_left()
    value = board.value(row.rounds[-1])
    parts = [
        *([f"{board.metric} {value}"] if value else []),
        count(row.rounds[-1].round, "decision" if row.cell.decision else "round"),
        duration(row.timings["total_seconds"]),
    ]
    return f"{describe(row.cell)}: {', '.join(parts)}" + (
        f" ({duration(left)} left)" if left and board.left else ""
    )


@contextmanager
def _live(board: Board) -> Iterator[Show]:
    """Redraw a table in place; failures scroll above it."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    drawn = float("-inf")
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(event: Event) -> None:
            nonlocal drawn
            if isinstance(event, Planned):
                console.print(plan_line(event), markup=False, highlight=False)
            elif isinstance(event, CellStored) and event.row.status != "done":
                console.print(failure_line(event), markup=False, highlight=False, style="red")
            if monotonic() - drawn >= _REDRAW_SECONDS:
                live.update(_picture(board), refresh=True)
                drawn = monotonic()

        yield show


def _picture(board: Board) -> Group:
    """Draw the bar over the cells to do and the cells being played."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    ended = board.todo - board.left
    left = board.seconds_left()
    head = Table.grid(padding=(0, 2))
    head.add_row(
        ProgressBar(
            total=max(1, board.todo),
            completed=ended,
            width=30,
            complete_style="cyan",
            finished_style="green",
        ),
        Text(f"{ended}/{board.todo} cells"),
        Text(f"{board.ended['failed']} failed", style="red" if board.ended["failed"] else "dim"),
        Text("" if left is None else f"{duration(left)} left"),
    )
    playing = Table.grid(padding=(0, 2))
    for cell, record in board.playing.values():
        playing.add_row(
            Text(describe(cell), style="cyan"),
            Text(f"round {record.round}/{rounds_of(cell)}"),
            Text(f"{board.metric} {board.value(record)}"),
        )
    return Group(head, playing)


def rounds_of(cell: Cell) -> int:
    """Return how many rounds, or repeated decisions, a cell plays."""
    return int(cell.federation.get("rounds") or cell.decision.get("repeats") or 1)


def _kind(cell: Cell) -> str:
    """Cells of one method take about equally long."""
    return cell.labels.get("method", "")
