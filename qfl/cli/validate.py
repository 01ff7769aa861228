"""`qfl validate NAME`: a study with all its profiles, or a run with all its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import count


@app.command()
def validate(
    name: Annotated[str, typer.Argument(help="A study file or name, or a run folder.")],
) -> None:
    """Check a study with all its profiles, or a run folder: ids, states, references."""
    from qfl.study.folder import LOCK

    path = Path(name)
    print(_run(path) if (path / LOCK).is_file() else _study(name))


def _study(name: str) -> str:
    """Return what the study and each profile unfold into; loading checks them all."""
    from qfl.cli.studies import find_study
    from qfl.core.errors import StudyError
    from qfl.study.burdens import too_heavy
    from qfl.study.grid import cells
    from qfl.study.holders import untrained

    study = find_study(name)
    sizes = {"study": study, **{p: study.with_overrides(p) for p in study.profiles}}
    unfolded = {key: cells(each) for key, each in sizes.items()}
    counts = [f"{key}: {count(len(found), 'cell')}" for key, found in unfolded.items()]
    if issues := too_heavy(cell for found in unfolded.values() for cell in found):
        raise StudyError(name, issues)
    notes = untrained(cell for found in unfolded.values() for cell in found)
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
