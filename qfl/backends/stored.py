"""Which snapshots of devices are installed, found without importing them; no framework is loaded
before one is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qfl.backends import BACKENDS
from qfl.core.errors import MissingExtraError, UnknownNameError
from qfl.core.registry import load


@lru_cache(maxsize=1)
def snapshot_files() -> dict[str, Path]:
    """Return the file that says what each snapshot has, by its name, ascending.

    qiskit-ibm-runtime keeps each in a folder of its name.
    """
    package = find_spec("qiskit_ibm_runtime")
    if package is None or package.origin is None:
        return {}
    folder = Path(package.origin).parent / "fake_provider" / "backends"
    found = {f"fake_{each.parent.name}": each for each in folder.glob("*/conf_*.json")}
    return dict(sorted(found.items()))


def snapshot_names() -> tuple[str, ...]:
    """Return the names of all snapshots, such as "fake_boston"; none without the extra."""
    return tuple(snapshot_files())


def check_snapshot(name: str) -> None:
    """Do nothing for a snapshot that is installed; without the extra, nobody knows.

    Raises:
        UnknownNameError: there is none of this name.
    """
    known = snapshot_names()
    if known and name not in known:
        raise UnknownNameError("snapshot", name, known)


def stored(function: str) -> Callable[..., Any]:
    """Return a function of `snapshots`, which loads Qiskit.

    Raises:
        MissingExtraError: the extra that ships snapshots and simulates their noise is missing.
    """
    row = BACKENDS.row("ibm")
    if not row.installed:
        raise MissingExtraError("a snapshot", row.extra)
    found: Callable[..., Any] = load(f"qfl.backends.snapshots:{function}")
    return found
