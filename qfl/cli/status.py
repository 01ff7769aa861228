"""`qfl status [RUN]`: what is done, failed, stale, running and left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit, worst
from qfl.cli.output import say, table

if TYPE_CHECKING:
    from qfl.study import RunFolder

_STATES = ("done", "stale", "failed", "skipped", "pending", "running", "todo")


@app.command()
def status(
    run: Annotated[
        str | None, typer.Argument(help="A run folder or study; all runs if left out.")
    ] = None,
) -> None:
    """Show how far runs are, and why cells failed."""
    from qfl.cli.studies import all_runs, find_run

    folders = [find_run(run)] if run is not None else all_runs()
    if not folders:
        say("there are no runs yet; start one with: qfl demo")
    found = [states(folder) for folder in folders]
    rows = [
        (folder.path, *(counts[state] or "" for state in _STATES))
        for folder, counts in zip(folders, found, strict=True)
    ]
    if rows:
        table(("run", *_STATES), rows)
    for folder in folders:
        explain(folder)
    codes = [
        *(Exit.FAILED for counts in found if counts["failed"]),
        *(Exit.PENDING for counts in found if counts["pending"]),
    ]
    raise typer.Exit(worst(*codes))


def states(folder: RunFolder) -> Counter[str]:
    """Return how many of the study's cells are in each state."""
    from qfl.study.fingerprint import fingerprint
    from qfl.study.run import PLAYER

    rows = {row.cell.id: row for row in folder.rows()}
    playing = folder.running().get("cells", {}) if folder.is_held() else {}
    counts: Counter[str] = Counter()
    for cell in folder.asked():
        row = rows.get(cell)
        if cell in playing:
            counts["running"] += 1
        elif row is None:
            counts["todo"] += 1
        elif row.status == "done" and row.fingerprint != fingerprint(row.cell, PLAYER):
            counts["stale"] += 1
        else:
            counts[row.status] += 1
    return counts


def explain(folder: RunFolder) -> None:
    """Say what is running and why cells have no result."""
    from qfl.study.folder import describe

    running = folder.running() if folder.is_held() else {}
    asked = folder.asked()
    for cell, rounds in running.get("cells", {}).items():
        say(f"running: {asked.get(cell, cell[:12])}: {rounds} rounds (pid {running['pid']})")
    for row in folder.rows():
        if row.status != "done":
            say(f"{row.status}: {describe(row.cell)} ({row.cell.id[:12]}): {row.reason}")
