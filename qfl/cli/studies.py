"""Finding what a command means: a study by file or name, a run by folder or study."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from qfl.cli.output import program
from qfl.core.errors import ConfigError
from qfl.study import RunFolder, Study, cells
from qfl.study.folder import LOCK
from qfl.study.run import RUNS

PACKAGED = {"selection": "selection.toml"}


def find_study(
    name: str, profile: str | None = None, overrides: Mapping[str, Any] | None = None
) -> Study:
    """Return the study behind a name.

    Args:
        name: a .toml file, a .py file that defines `study`, a run folder, or the name of a study
            that ships with the package.
        profile, overrides: applied as `Study.load` does.

    Raises:
        ConfigError: there is no such study, or it is wrong.
    """
    path = Path(name)
    if path.is_dir():
        _check_lock(RunFolder(path))
        path = path / LOCK
    if path.suffix == ".py" and path.is_file():
        return _from_script(path).with_overrides(profile, overrides)
    if path.suffix == ".toml" or path.exists():
        return Study.load(path, profile, overrides)
    if name not in PACKAGED:
        raise ConfigError(
            f"no study {name!r}: give a .toml or .py file, a run folder, or one of the studies "
            f"that ship with qfl: {', '.join(PACKAGED)}"
        )
    return Study.load(packaged(name), profile, overrides)


def packaged(name: str) -> Path:
    """Return the file of a study that ships with the package."""
    return Path(str(files("qfl.study"))) / PACKAGED[name]


def find_run(name: str | None) -> RunFolder:
    """Return the run behind a name: its folder, or the study file or name that made it.

    Without a name, the only run there is.

    Raises:
        ConfigError: no such run.
    """
    runs = all_runs()
    if name is None and len(runs) == 1:
        return runs[0]
    for folder in [Path(name), RUNS / name, RUNS / Path(name).stem] if name else []:
        if (folder / LOCK).is_file():
            return RunFolder(folder)
    known = ", ".join(str(run.path) for run in runs)
    what = f"no run {name!r}" if name else "which run?"
    raise ConfigError(
        f"{what}; {f'there are {known}' if known else 'there are none yet'}. "
        f"Start one with: {program()} run STUDY"
    )


def all_runs() -> list[RunFolder]:
    """Return every run under runs/, by name."""
    return [RunFolder(lock.parent) for lock in sorted(RUNS.glob(f"*/{LOCK}"))]


def _check_lock(folder: RunFolder) -> None:
    """Refuse to continue a run whose lock no longer unfolds into the same cells."""
    asked = set(folder.asked())
    if {cell.id for cell in cells(Study.load(folder.path / LOCK))} != asked:
        raise ConfigError(
            f"{folder.path / LOCK} unfolds into other cells than it lists: defaults or data have "
            f"changed since. Run the study file with --out {folder.path} instead"
        )


def _from_script(path: Path) -> Study:
    study = runpy.run_path(str(path)).get("study")
    if not isinstance(study, Study):
        raise ConfigError(f"{path} defines no `study`; it needs: study = Study(...)")
    return study
