"""`qfl demo`: the packaged study from nothing to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.follow import follow
from qfl.cli.output import program, say
from qfl.core.cores import available_cores


@app.command()
def demo(
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Worker processes; one per core by default."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="A profile of the study; smoke takes seconds.")
    ] = None,
    progress: Annotated[
        Literal["auto", "plain", "none", "json"], typer.Option(help="How to show progress.")
    ] = "auto",
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/demo"),
) -> None:
    """Train a federation whose clients are chosen by QAOA, and write the report. Takes a minute."""
    from qfl.cli.studies import packaged
    from qfl.study import Study
    from qfl.study import run as play_study

    study = Study.load(packaged("selection"), profile)
    workers = jobs or available_cores()
    events = play_study(study, out=out, jobs=workers)
    code = follow(events, study, workers=workers, progress=progress)
    if code == Exit.INTERRUPTED:
        raise typer.Exit(code)
    from qfl.report import write

    report = write(out)
    say()
    say(report.headline)
    say()
    print(report.html)
    say("Open it in a browser; it needs no network. How to go on:")
    for arguments, purpose in (
        (f"status {out}", "what was run"),
        ("run selection --seeds 0:10", "the same study in runs/selection, ten seeds"),
        (
            "run selection --set federation.clients_per_round=6 --dry-run",
            "what that changes",
        ),
        ("list solvers", "what else could choose the clients"),
    ):
        say(f"  {program()} {arguments}")
        say(f"      {purpose}")
    raise typer.Exit(code)
