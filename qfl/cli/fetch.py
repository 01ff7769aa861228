"""`qfl fetch RUN`: collect what machines with a queue have finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit, worst
from qfl.cli.output import count, say, table

if TYPE_CHECKING:
    from qfl.study.folder import RunFolder
    from qfl.study.ledger import Job, Ledger, Used


@app.command()
def fetch(
    run: Annotated[
        str | None, typer.Argument(help="A run folder or study; may be left out if there is one.")
    ] = None,
    forget: Annotated[
        list[str] | None,
        typer.Option(
            "--forget",
            metavar="ID",
            help="Give up a job that brought nothing, or 'all' that failed, stay damaged, or are "
            "unknown to their machine. Ids, or tags; commas and repetition are fine.",
        ),
    ] = None,
    found: Annotated[
        list[str] | None,
        typer.Option(
            "--found", metavar="TAG=ID", help="A job in doubt is this one at its machine."
        ),
    ] = None,
) -> None:
    """Collect finished jobs of a run from their machines; sends nothing, and may be repeated."""
    from qfl.cli.studies import find_run
    from qfl.study.ledger import Ledger

    folder = find_run(run)
    ledger = Ledger(folder.path)
    taken = dict(_pair(text) for text in found or ())
    given_up = [name for text in forget or () for name in text.split(",") if name]
    asked = _asked(folder, ledger, given_up, taken)
    states = Counter(job.state for job in asked)
    if asked:
        table(
            ("job", "machine", "state", "circuits", "shots", "QPU seconds", "cells", "reason"),
            [
                (
                    job.job or job.tag,
                    job.backend,
                    job.state,
                    job.circuits,
                    job.shots,
                    "" if job.qpu_seconds is None else f"{job.qpu_seconds:g}",
                    " ".join(cell[:12] for cell in job.cells),
                    _said(job),
                )
                for job in asked
            ],
        )
    jobs = ledger.jobs().values()
    left = sum(job.is_open for job in jobs)
    failed = [job.undone_by for job in jobs if job.state == "failed"]
    say(
        f"{count(states['fetched'], 'job')} fetched, {left} still waiting, {len(failed)} "
        f"failed; {_seconds(ledger.used())}"
    )
    if failed:
        say(f"next: qfl fetch {folder.path} --forget {','.join(failed)}, and they are sent again")
    elif not left:
        say(_next(folder))
    codes = [Exit.FAILED] if failed else []
    raise typer.Exit(worst(*codes, *([Exit.PENDING] if left else [])))


def _asked(
    folder: RunFolder, ledger: Ledger, given_up: Sequence[str], taken: Mapping[str, str]
) -> list[Job]:
    """Return the jobs that were asked about; beside a run, which may be sending, only collect."""
    from qfl.core.errors import StoreError
    from qfl.study.fetching import adopt, fetch

    with ExitStack() as until_asked:
        try:
            until_asked.enter_context(folder.held())
        except StoreError:
            if given_up or taken:
                raise
            return list(fetch(ledger, held=False))
        adopt(ledger, taken)
        return list(fetch(ledger, forget=given_up))


def _next(folder: RunFolder) -> str:
    """Return what to do when nothing is at a machine any more."""
    done = {row.cell.id for row in folder.rows() if row.status == "done"}
    return f"next: qfl {'run' if folder.asked().keys() - done else 'report'} {folder.path}"


def _said(job: Job) -> str:
    """Return why a job is not collected, what its machine did not say, and jobs that it doubled."""
    twice = f"the machine made it twice: {' '.join(job.duplicates)}" if job.duplicates else ""
    return "; ".join(filter(None, (job.reason, twice)))


def _seconds(used: Used) -> str:
    """Return what machines have reported so far, and what they have not."""
    lost = f"{used.fruitless:g} of them by duplicates and by jobs that failed or were given up"
    silent = f"those of {count(used.unknown, 'job')} that ended are not known"
    said = [f"{used.seconds:g} QPU seconds used so far"]
    said += [lost] * (used.fruitless > 0) + [silent] * (used.unknown > 0)
    return ", ".join(said)


def _pair(text: str) -> tuple[str, str]:
    """Return tag and id."""
    from qfl.core.errors import ConfigError

    tag, _, number = text.partition("=")
    if not tag or not number:
        raise ConfigError(f"--found takes TAG=ID, got {text!r}")
    return tag.strip(), number.strip()
