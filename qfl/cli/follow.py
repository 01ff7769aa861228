"""Following a run to its end: show it, stop it safely on Ctrl-C, say what it came to."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Literal

from qfl.cli.exits import Exit, worst
from qfl.cli.output import count, say

if TYPE_CHECKING:
    from qfl.cli.progress import Board
    from qfl.study import Study
    from qfl.study.events import Event


def follow(
    events: Generator[Event, None, None],
    study: Study,
    *,
    workers: int,
    progress: Literal["auto", "plain", "none", "json"] = "auto",
    fail_fast: bool = False,
) -> Exit:
    """Show a run while it goes on and return how it ended; Ctrl-C stops it safely."""
    from qfl.cli.progress import Board, display

    board = Board(study.headline.metric, workers)
    try:
        with display(progress, board) as show:
            for event in events:
                board.note(event)
                show(event)
                if fail_fast and board.ended["failed"]:
                    break
    except KeyboardInterrupt:
        done = board.todo - board.left
        say(f"{done} done, {board.left} left: run the same command again to continue")
        return Exit.INTERRUPTED
    finally:
        events.close()
    return summary(board)


def summary(board: Board) -> Exit:
    """Say what a run came to and return its exit code."""
    ended = board.ended
    parts = [f"{count(ended['done'], 'cell')} done"]
    parts += [f"{ended[status]} {status}" for status in ("failed", "skipped") if ended[status]]
    if board.plan and board.plan.reused:
        parts.append(f"{len(board.plan.reused)} reused")
    if board.left:
        parts.append(f"{board.left} left")
    say(", ".join(parts))
    for method, why in board.without_result.items():
        say(f"{method} has no result: all its cells were skipped ({len(why)}): {why[0]}")
    codes = [Exit.FAILED] if ended["failed"] or board.left or board.without_result else []
    return worst(*codes, *([Exit.PENDING] if ended["pending"] else []))
