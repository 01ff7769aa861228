"""`qfl run STUDY`: play what is missing, store every cell as it ends."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.follow import follow
from qfl.cli.output import count, program, say, table
from qfl.core.cores import available_cores

if TYPE_CHECKING:
    from qfl.core.cell import Cell
    from qfl.study import Study


@app.command()
def run(
    context: typer.Context,
    study: Annotated[
        str, typer.Argument(help="A .toml or .py file, a run folder, or a study that ships.")
    ],
    profile: Annotated[str | None, typer.Option(help="A profile of the study: smoke.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override one key, e.g. federation.rounds=50."
        ),
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Run these seeds: 0:10, or 3,5,8.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Run these cells, e.g. backend=aer or method=a,b."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            *("--jobs", "-j"),
            min=1,
            help="Cells played at a time, one per core by default; fewer cells get threads each.",
        ),
    ] = None,
    rerun: Annotated[
        Literal["failed", "stale", "all"] | None,
        typer.Option(help="Only failed cells; also stale ones; or every cell again."),
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first failure.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be played and reused, and stop.")
    ] = False,
    max_cost: Annotated[
        str | None,
        typer.Option(help="Send nothing and exit with 4 above this: 60s-qpu, or 12.5USD."),
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="A price file of your own.")] = None,
    progress: Annotated[
        Literal["auto", "plain", "none", "json"], typer.Option(help="How to show progress.")
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Run folder; runs/NAME if left out.")] = None,
) -> None:
    """Run a study. The same command again continues where it stopped."""
    from qfl.cli.studies import find_study
    from qfl.study.run import RUNS

    overrides = parse_settings(settings or ())
    given: Study | None = context.obj
    if given is None:
        asked = find_study(study, profile, overrides)
    else:
        asked = given.with_overrides(profile, overrides)
    asked, chosen = choose(asked, seeds=seeds, only=only or ())
    folder = out or _folder_of(study) or RUNS / asked.name
    if dry_run:
        show_plan(asked.name, folder, chosen, rerun=rerun)
        return
    if max_cost is not None:
        check_cost(folder, chosen, max_cost, prices, rerun=rerun)
    from qfl.study import run as play_study

    workers = jobs or available_cores()
    events = play_study(asked, out=folder, jobs=workers, rerun=rerun, chosen=chosen)
    code = follow(events, asked, workers=workers, progress=progress, fail_fast=fail_fast)
    if code == Exit.DONE:
        say(f"next: {program()} report {folder}")
    elif code == Exit.PENDING:
        say(f"next: {program()} fetch {folder}")
    raise typer.Exit(code)


def choose(study: Study, *, seeds: str | None, only: Sequence[str]) -> tuple[Study, list[Cell]]:
    """Return the study, extended by seeds it did not list, and the cells asked for."""
    from qfl.core.errors import ConfigError
    from qfl.study.grid import cells, select

    wanted: dict[str, list[str]] = {}
    numbers = None if seeds is None else parse_seeds(seeds)
    for text in only:
        key, equals, values = text.partition("=")
        if not equals or not key or not values:
            raise ConfigError(f"--only takes KEY=VALUE[,VALUE], got {text!r}")
        wanted[key.strip()] = [value.strip() for value in values.split(",")]
    if numbers is not None:
        extended = list(dict.fromkeys([*study.seeds, *numbers]))
        study = study.with_overrides(overrides={"seeds": extended})
    chosen = [cell for cell in cells(study) if numbers is None or cell.seed in numbers]
    return study, select(chosen, wanted)


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that "0:10" or "3,5,8" names.

    >>> parse_seeds("2:4"), parse_seeds("3,5")
    ([2, 3], [3, 5])
    """
    from qfl.core.errors import ConfigError

    first, colon, last = text.partition(":")
    try:
        if colon:
            numbers = list(range(int(first or 0), int(last)))
        else:
            numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds takes a range 0:10 or a list 3,5,8, got {text!r}") from None
    if not numbers:
        raise ConfigError(f"--seeds {text} chooses nothing")
    return numbers


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Return --set options as dotted keys and TOML values; a bare word is a string.

    >>> parse_settings(["federation.rounds=50", "scenario.name=digits"])
    {'federation.rounds': 50, 'scenario.name': 'digits'}
    """
    from qfl.core.errors import ConfigError

    parsed: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set takes KEY=VALUE, got {text!r}")
        try:
            parsed[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed[key.strip()] = value.strip()
    return parsed


def check_cost(
    folder: Path, chosen: Sequence[Cell], max_cost: str, prices: Path | None, *, rerun: Any
) -> None:
    """Say what was used, and what the cells to play will ask of machines beside.

    Exits with 4 if both together are above `max_cost`.
    """
    from qfl.backends.estimate import Limit, PriceList
    from qfl.cli.estimate import costly, refuse_above, say_used
    from qfl.study.folder import RunFolder
    from qfl.study.forecast import forecast, used
    from qfl.study.ledger import Ledger
    from qfl.study.run import default_play, make_plan

    listed = PriceList.load(prices)
    Limit.parse(max_cost, listed.currency)  # refused before anything is estimated
    plan = make_plan(RunFolder(folder), chosen, rerun=rerun, play=default_play())
    ledger = Ledger(folder)
    useful, lost = used(ledger, listed)
    say_used(useful, lost, listed)
    found = [each for _, each in forecast(plan.todo, listed, answered=ledger.answered())]
    seconds = sum(each.qpu_seconds for each in costly(found))
    known = [each.price for each in found if each.price is not None]
    rest = "" if len(known) == len(found) else ", and what is not known"
    say(
        f"estimate: {seconds:.3g} QPU seconds, {sum(known):.2f} {listed.currency} ({listed.date})"
        f"{rest}"
    )
    refuse_above(max_cost, [*found, *useful, *lost], listed)


def show_plan(source: str, folder: Path, chosen: Sequence[Cell], *, rerun: Any) -> None:
    """Print how many cells of each method would be played, reused or found stale.

    What a run would refuse is refused, in the name of `source`.
    """
    from qfl.study.folder import RunFolder
    from qfl.study.run import check_playable, default_play, make_plan

    plan = make_plan(RunFolder(folder), chosen, rerun=rerun, play=default_play())
    check_playable(source, plan.todo)
    todo = {cell.id for cell in plan.todo}
    groups: dict[str, list[Cell]] = {}
    for cell in chosen:
        groups.setdefault(", ".join(cell.labels.values()), []).append(cell)
    rows = [
        (
            name,
            len(group),
            sum(cell.id in todo for cell in group),
            sum(cell.id not in todo for cell in group),
            sum(plan.is_stale(cell) for cell in group),
            " ".join(str(cell.seed) for cell in group),
        )
        for name, group in groups.items()
    ]
    table(("method", "cells", "to do", "reused", "stale", "seeds"), rows)
    say(f"{folder}: {count(len(todo), 'cell')} to do, {len(chosen) - len(todo)} reused")


def _folder_of(name: str) -> Path | None:
    """A run folder given in place of a study is continued where it is."""
    path = Path(name)
    return path if path.is_dir() else None
