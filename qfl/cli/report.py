"""`qfl report [RUN]`: the HTML page, the summaries and the figures of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import say


@app.command()
def report(
    run: Annotated[
        str | None, typer.Argument(help="A run folder or study; may be left out if there is one.")
    ] = None,
) -> None:
    """Write report.html, summary.{md,csv,tex} and figures/ of a run."""
    from qfl.cli.studies import find_run
    from qfl.report import write

    written = write(find_run(run).path)
    say(written.headline)
    for path in (written.html, *written.summaries, *written.figures):
        print(path)
