"""`qfl diff A B`: do two runs hold the same cells with the same numbers?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.output import count, say, table

if TYPE_CHECKING:
    from qfl.study.store import CellRow


@app.command()
def diff(
    first: Annotated[str, typer.Argument(help="A run folder or study.")],
    second: Annotated[str, typer.Argument(help="Another.")],
) -> None:
    """Compare two runs bit for bit, real seconds aside; exit code 4 if they differ."""
    from qfl.cli.studies import find_run
    from qfl.study.folder import describe

    left, right = (
        {row.cell.id: row for row in find_run(name).rows() if row.status == "done"}
        for name in (first, second)
    )
    rows = []
    for key, row in {**left, **right}.items():
        if key not in left or key not in right:
            rows.append((describe(row.cell), f"only in {first if key in left else second}"))
        elif left[key].content() != right[key].content():
            rows.append((describe(row.cell), first_difference(left[key], right[key])))
    if rows:
        table(("cell", "difference"), rows)
    same = len({**left, **right}) - len(rows)
    say(f"{count(same, 'cell')} the same bit for bit, {count(len(rows), 'difference')}")
    raise typer.Exit(Exit.GATE if rows else Exit.DONE)


def first_difference(left: CellRow, right: CellRow) -> str:
    """Return the first number that differs between two results of one cell."""
    from qfl.study.override import flatten

    for one, other in zip(left.rounds, right.rounds, strict=False):
        ours, theirs = (flatten(record.to_dict()) for record in (one, other))
        for key in ours:
            if not key.startswith("timings.") and ours[key] != theirs.get(key):
                return f"round {one.round}: {key} is {ours[key]!r} and {theirs.get(key)!r}"
    return f"{len(left.rounds)} and {len(right.rounds)} rounds"
