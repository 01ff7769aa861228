"""`qfl validate NAME`: a study with all its profiles, or a run with all its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.exits import Exit
from qfl.cli.output import count, say, table


@app.command()
def validate(
    name: Annotated[str, typer.Argument(help="A study file or name, or a run folder.")],
    difficulty: Annotated[
        int,
        typer.Option(
            min=0,
            help="Train references in every scenario on this many seeds; exit code 4 if it could "
            "not show anything.",
        ),
    ] = 0,
) -> None:
    """Check a study with all its profiles, or a run folder: ids, states, references."""
    from qfl.study.folder import LOCK

    path = Path(name)
    if (path / LOCK).is_file() and not difficulty:
        print(_run(path))
        return
    print(_study(name))
    if difficulty and _uninformative(name, difficulty):
        raise typer.Exit(Exit.GATE)


def _uninformative(name: str, worlds: int) -> bool:
    """Print what references reach; return True if the headline could not be decided somewhere."""
    from qfl.cli.studies import find_study
    from qfl.study.informative import informative, unreported

    study = find_study(name)
    seeds = ", ".join(map(str, unreported(study, worlds)))
    say(f"training references on seeds that the study does not report: {seeds} ...")
    found = list(informative(study, worlds=worlds))
    table(
        ("setting", "task", "naive", "clients alone", "pooled", "verdict"),
        [
            (
                each.setting or "-",
                each.difficulty.task,
                *(f"{getattr(each.difficulty, part):.3f}" for part in ("naive", "local", "pooled")),
                each.difficulty.objection or "informative",
            )
            for each in found
        ],
    )
    refused = [each for each in found if each.objection]
    for each in refused:
        where = f" ({each.setting})" if each.setting else ""
        say(f"{each.difficulty.task}{where} is uninformative: {each.objection}")
    return bool(refused)


def _study(name: str) -> str:
    """Return what the study and each profile unfold into; loading checks them all."""
    from qfl.cli.studies import find_study
    from qfl.study.forecast import misfits
    from qfl.study.grid import cells
    from qfl.study.holders import untrained
    from qfl.study.run import check_playable

    study = find_study(name)
    sizes = {"study": study, **{p: study.with_overrides(p) for p in study.profiles}}
    unfolded = {key: cells(each) for key, each in sizes.items()}
    counts = [f"{key}: {count(len(found), 'cell')}" for key, found in unfolded.items()]
    everything = [cell for found in unfolded.values() for cell in found]
    check_playable(name, everything)
    notes = [*untrained(everything), *misfits(everything)]
    return "\n".join([f"{name} is valid ({', '.join(counts)})", *notes])


def _run(path: Path) -> str:
    """Return what a run holds; ids are recomputed on load."""
    from qfl.core.errors import StoreError
    from qfl.study import RunFolder
    from qfl.study.store import load

    folder = RunFolder(path)
    rows, asked = load(folder.cells), folder.asked()
    missing = sorted(
        row.provenance
        for row in rows
        if not (path / "provenance" / f"{row.provenance}.json").is_file()
    )
    if missing:
        raise StoreError(f"{path}/provenance/{missing[0]}.json is missing; rows refer to it")
    done = sum(row.status == "done" for row in rows if row.cell.id in asked)
    other = sum(row.cell.id not in asked for row in rows)
    rest = f", and {count(other, 'cell')} of earlier settings" if other else ""
    return f"{path} is valid: {done} of {count(len(asked), 'cell')} done{rest}"
