"""`qfl data`: what data there are, under which licence, and how to get them."""

from __future__ import annotations

from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import say, table

data = typer.Typer(help="List data sets with licence and citation, or fetch one.")
app.add_typer(data, name="data")


@data.command("list")
def list_sets() -> None:
    """List the data sets: where they lie on this machine, licence, citation, note."""
    from qfl.data.catalog import catalogue, folder

    rows = [
        (id, folder(id) or "-", row.version, row.licence, row.citation, row.note)
        for id, row in sorted(catalogue().items())
    ]
    table(("set", "on this machine", "version", "licence", "citation", "note"), rows)


@data.command("fetch")
def fetch_sets(
    names: Annotated[list[str], typer.Argument(help="Sets to fetch, as in `qfl data list`.")],
) -> None:
    """Download sets from their source into the user cache and verify them."""
    from qfl.data.catalog import entry
    from qfl.data.fetch import fetch

    for name in names:
        row = entry(name)
        say(f"{row.title}: {row.licence}; cite {row.citation}")
        print(fetch(name))
