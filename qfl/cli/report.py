"""`qfl report [RUN]`: the HTML page, the summaries and the figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import say, table

if TYPE_CHECKING:
    from pathlib import Path


@app.command()
def report(
    run: Annotated[
        str | None, typer.Argument(help="A run folder or study; may be left out if there is one.")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="METHOD BASELINE",
            help="Write nothing; print one method minus another with its paired 95 % interval.",
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="What --compare compares; the headline's metric if left out.")
    ] = "",
) -> None:
    """Write report.html, summary.{md,csv,tex} and figures/ of a run."""
    from qfl.cli.studies import find_run
    from qfl.report import write

    path = find_run(run).path
    if compare is not None:
        _compare(path, *compare, metric)
        return
    written = write(path)
    say(written.headline)
    for each in (written.html, *written.summaries, *written.figures):
        print(each)


def _compare(path: Path, method: str, baseline: str, name: str) -> None:
    """Print the difference of two methods in every setting."""
    from qfl.report.runs.results import read
    from qfl.report.statistics.compare import asked
    from qfl.report.statistics.headline import interval_text

    results = read(path)
    name = name or (results.headline.metric if results.headline else "")
    lines = []
    for found in asked(results, method, baseline, name):
        means = [sum(pair[side] for pair in found.pairs) / len(found.pairs) for side in (1, 2)]
        texts = map(found.outcome.metric.text, means)
        sides = (found.setting or "-", found.method, found.baseline)
        lines.append((*sides, *texts, interval_text(found), len(found.pairs)))
    columns = ("setting", "method", "baseline", "of method", "of baseline", "difference", "seeds")
    table(columns, lines)
