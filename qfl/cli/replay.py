"""`qfl replay RUN CELL`: recompute a finished cell from what is on disk, with no machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.diff import first_difference
from qfl.cli.exits import Exit
from qfl.cli.output import count, say, table
from qfl.core.cores import available_cores

if TYPE_CHECKING:
    from qfl.study.store import CellRow


@app.command()
def replay(
    run: Annotated[str, typer.Argument(help="A run folder or study.")],
    cell: Annotated[str, typer.Argument(help="The cell's id, or how it begins.")],
) -> None:
    """Play one finished cell again, samples of machines from the ledger; exit 4 if it differs."""
    from dataclasses import replace

    from qfl.cli.studies import find_run
    from qfl.study.executors import one_thread
    from qfl.study.folder import describe
    from qfl.study.run import default_play

    folder = find_run(run)
    row = chosen(folder.rows(), cell)
    say(f"replaying {describe(row.cell)} ({row.cell.id[:12]})")
    with one_thread():  # as it was played, or sums of floats may end in other bits
        play, workers = default_play(), available_cores()
        rounds = tuple(play(row.cell, folder=folder.path, submits=False, workers=workers))
    again = replace(row, rounds=rounds)
    if again.content() == row.content():
        say(f"{count(len(rounds), 'round')} the same bit for bit")
        return
    table(("cell", "difference"), [(describe(row.cell), first_difference(row, again))])
    raise typer.Exit(Exit.GATE)


def chosen(rows: list[CellRow], cell: str) -> CellRow:
    """Return the finished row whose id begins with `cell`.

    Raises:
        ConfigError: none, or several.
    """
    from qfl.core.errors import ConfigError

    found = [row for row in rows if row.cell.id.startswith(cell) and row.status == "done"]
    if len(found) != 1:
        raise ConfigError(
            f"{count(len(found), 'finished cell')} begin with {cell!r}; give more of the id: "
            f"{', '.join(row.cell.id[:12] for row in (found or rows)[:8]) or 'there are none yet'}"
        )
    return found[0]
