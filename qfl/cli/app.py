"""The application that every command of this package registers with."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="qfl",
    epilog="Start with: qfl demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        import qfl

        print(qfl.__version__)
        raise typer.Exit


@app.callback()
def qfl(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Does a quantum computer help a federation learn? Ask it, with intervals and costs."""
