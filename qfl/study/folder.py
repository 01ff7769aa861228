"""A run folder: its names, its lock file, who is writing it, and what is running in it.

study.lock.toml       the resolved study and the cells it asks for
cells.jsonl           the truth, see `store.py`
running.json          written while a process works here; left behind only by a dead one
provenance/ failures/ who made what, and tracebacks
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qfl.core.cell import SCHEMA_VERSION, Cell
from qfl.core.errors import ConfigError, StoreError
from qfl.study.model import Study
from qfl.study.store import CELLS, CellRow, load, write_atomically, writing

LOCK = "study.lock.toml"
_RUNNING = "running.json"
_HOLD = ".hold"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk.

    Attributes:
        path: the folder; it need not exist yet.
    """

    path: Path

    @property
    def cells(self) -> Path:
        """cells.jsonl."""
        return self.path / CELLS

    def rows(self) -> list[CellRow]:
        """Return the stored rows of the cells that the study, as last run here, asks for.

        Raises:
            StoreError: this is no run, or a file of it is damaged.
        """
        asked = self.asked()
        return [row for row in load(self.cells) if row.cell.id in asked]

    def asked(self) -> dict[str, str]:
        """Return the cells that the study asks for: id -> how it names the cell."""
        cells: dict[str, str] = self.lock().get("lock", {}).get("cells", {})
        return cells

    def lock(self) -> dict[str, Any]:
        """Return the resolved study as plain types.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        path = self.path / LOCK
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StoreError(
                f"{self.path} is no run: it has no {LOCK}; start one with: qfl run STUDY"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"{path} is damaged: {error}; delete it and run the study again, "
                "finished cells are kept"
            ) from None

    def write_lock(self, study: Study, cells: Sequence[Cell]) -> str:
        """Write study.lock.toml and return its text.

        Raises:
            ConfigError: the folder holds another study.
        """
        if (self.path / LOCK).exists() and (name := self.lock().get("name")) != study.name:
            raise ConfigError(
                f"{self.path} holds the study {name!r}, not {study.name!r}; choose another --out"
            )
        settings = study.model_dump(mode="json", exclude={"profiles"})
        settings = {key: value for key, value in settings.items() if value != {}}
        names = {cell.id: describe(cell) for cell in cells}
        text = "# Written by qfl: the study as it ran, every option resolved.\n" + toml(
            {**settings, "lock": {"schema": SCHEMA_VERSION, "cells": names}}
        )
        write_atomically(self.path / LOCK, text)
        return text

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing here until the block ends, however it ends.

        Raises:
            StoreError: another process is writing here.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path / _HOLD, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"another process (pid {self.running().get('pid', 'unknown')}) is writing "
                    f"{self.path}; wait for it, or choose another --out"
                ) from None
            yield
        finally:
            os.close(file)

    def is_held(self) -> bool:
        """Return True if a process is writing here now."""
        try:
            with self.held():
                return False
        except StoreError:
            return True

    def running(self) -> dict[str, Any]:
        """Return {"pid": ..., "cells": {id: rounds played}} of a run here, dead or alive."""
        try:
            found: dict[str, Any] = json.loads((self.path / _RUNNING).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def note_running(self, cells: Mapping[str, int]) -> None:
        """Tell `qfl status` in another terminal what is running; no cells removes the note."""
        path = self.path / _RUNNING
        if cells:
            write_atomically(path, json.dumps({"pid": os.getpid(), "cells": dict(cells)}))
        else:
            path.unlink(missing_ok=True)


def describe(cell: Cell) -> str:
    """Return how people name a cell.

    >>> describe(Cell({}, {}, {}, {}, {}, 3, {"method": "qaoa", "skew": "0.1"}))
    'qaoa, skew 0.1, seed 3'
    """
    labels = dict(cell.labels)
    method = labels.pop("method", "")
    return ", ".join([method, *(f"{k} {v}" for k, v in labels.items()), f"seed {cell.seed}"])


def toml(settings: Mapping[str, Any], prefix: str = "") -> str:
    """Return plain settings as TOML; None, which TOML cannot say, is left out.

    >>> print(toml({"seeds": [0, 1], "scenario": {"name": "digits", "alpha": 0.3}}), end="")
    seeds = [0, 1]
    <BLANKLINE>
    [scenario]
    name = "digits"
    alpha = 0.3
    """
    lines, tables = [], []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            name = f"{prefix}{_key(key)}"
            tables.append(f"\n[{name}]\n{toml(value, f'{name}.')}")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            name = f"{prefix}{_key(key)}"
            tables += [f"\n[[{name}]]\n{toml(item, f'{name}.')}" for item in value]
        elif value is not None:
            lines.append(f"{_key(key)} = {_value(value)}\n")
    return "".join([*lines, *tables])


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _json(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _json(value)


def _json(value: Any) -> str:
    """Return a single value as JSON that is TOML too, which allows no bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
