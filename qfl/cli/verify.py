"""`qfl verify [TABLE.json]`: known answers against what the installed code computes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.output import count, duration, say, table

if TYPE_CHECKING:
    from qfl.testing.known_answers import Verdict


@app.command()
def verify(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="TABLE.json", help="A table; the shipped ones if left out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> None:
    """Recompute a table of known answers; exit code 4 if a row does not agree."""
    from qfl.study.executors import one_thread
    from qfl.testing.known_answers import SHIPPED, read_table, shipped_table, verify

    if path is None:
        answers = [row for name in SHIPPED for row in shipped_table(name)]
    else:
        answers = read_table(path)
    with one_thread():  # rows are small; threads of torch would spin beside other work
        verdicts = list(_watched(verify(answers), len(answers)))
    if as_json:
        print(json.dumps([_record(verdict) for verdict in verdicts], indent=1))
    else:
        columns = ("id", "expected", "got", "tolerance", "source", "verdict")
        table(columns, [_line(verdict) for verdict in verdicts])
    failed = [verdict for verdict in verdicts if not verdict.passed]
    for verdict in failed:
        say(f"{verdict.answer.id}: {verdict.reason}")
    seconds = duration(sum(verdict.seconds for verdict in verdicts))
    agree = len(verdicts) - len(failed)
    say(f"{agree} of {count(len(verdicts), 'known answer')} agree ({seconds})")
    raise typer.Exit(Exit.GATE if failed else Exit.DONE)


def _watched(verdicts: Iterator[Verdict], total: int) -> Iterable[Verdict]:
    """Return the verdicts, counted on a terminal while they come."""
    from rich.console import Console
    from rich.progress import track

    return track(
        verdicts,
        "recomputing",
        total=total,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _line(verdict: Verdict) -> tuple[str, ...]:
    answer = verdict.answer
    return (
        answer.id,
        _compact(answer.expected),
        "" if verdict.got is None else _compact(verdict.got),
        f"{answer.kind} {answer.size:g}",
        answer.source,
        "pass" if verdict.passed else "FAIL",
    )


def _record(verdict: Verdict) -> dict[str, Any]:
    answer = verdict.answer
    return {
        "id": answer.id,
        "expected": answer.expected,
        "got": verdict.got,
        "tolerance": {answer.kind: answer.size},
        "source": answer.source,
        "passed": verdict.passed,
        "reason": verdict.reason,
        "seconds": round(verdict.seconds, 3),
    }


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
