"""`qfl export RUN`: every round of every finished cell as one CSV."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qfl.cli.app import app
from qfl.cli.output import say

if TYPE_CHECKING:
    from qfl.study.store import CellRow


@app.command()
def export(
    run: Annotated[
        str | None, typer.Argument(help="A run folder or study; may be left out if there is one.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="File to write; stdout if left out.")
    ] = None,
) -> None:
    """Write one CSV line per round of every finished cell: labels, metrics, decision, costs."""
    from qfl.cli.studies import find_run
    from qfl.study.store import writing

    lines = [line for row in find_run(run).rows() if row.status == "done" for line in flat(row)]
    columns = list(dict.fromkeys(key for line in lines for key in line))
    if csv_file is None:
        _write(sys.stdout, columns, lines)
        return
    with writing(csv_file), csv_file.open("w", encoding="utf-8", newline="") as file:
        _write(file, columns, lines)
    say(f"{csv_file}: {len(lines)} lines")


def flat(row: CellRow) -> list[dict[str, Any]]:
    """Return one flat dict per round of a cell."""
    head = {"cell": row.cell.id, **row.cell.labels, "seed": row.cell.seed}
    return [{**head, **_flat_round(r.to_dict(), r.measured())} for r in row.rounds]


def _flat_round(record: dict[str, Any], measured: dict[str, float]) -> dict[str, Any]:
    choice = record["choice"] or {}
    diagnostics = choice.pop("diagnostics", {})
    return {
        "round": record["round"],
        **measured,
        "selected": " ".join(record["selected"]),
        "delivered": " ".join(record["delivered"]),
        **choice,
        **{f"diagnostics.{key}": value for key, value in diagnostics.items()},
        **record["costs"],
        "level": record["level"],
        **record["timings"],
    }


def _write(file: Any, columns: list[str], lines: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
