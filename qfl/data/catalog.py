"""What data there are: licence, citation, hashes, and where they lie on this machine.

A loader looks in the folder that the environment variable QFL_DATA names, then in the user cache.
It never downloads; `fetch` does, and only when a person asks for it with `qfl data fetch`.
Whatever form a set lies there in, the arrays read out of it are compared with the catalogue.
"""

from __future__ import annotations

import csv
import hashlib
import os
import tomllib
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.errors import ConfigError, DataError, UnknownNameError

ROOT_VARIABLE = "QFL_DATA"
Raw = Mapping[str, NDArray[Any]]
"""The arrays of a set as distributed: the same out of the official files and out of a repack."""
_DAMAGED = (
    ArithmeticError, AttributeError, ConfigError, csv.Error, EOFError, LookupError, MemoryError,
    NotImplementedError, OSError, TypeError, ValueError, wave.Error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What readers of archives, tables, JSON and sound raise on files that are damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One set of files.

    Attributes:
        id: name of its folder.
        title, version, licence, citation, source, note: for people and for reports.
        files: file name -> sha256 of the forms whose bytes are known.
        fetch: addresses of the official distribution; empty: it must be put there by hand.
        arrays: `fingerprint` of what is read out of the files, whatever their form.
        reader: "module:function" that reads the arrays out of a folder.
    """

    id: str
    title: str
    version: str
    licence: str
    citation: str
    source: str
    note: str
    files: Mapping[str, str] = field(default_factory=dict)
    fetch: tuple[str, ...] = ()
    arrays: str = ""
    reader: str = ""


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every set by id.

    >>> catalogue()["mnist"].licence
    'CC-BY-SA-3.0'
    """
    table = tomllib.loads(files("qfl.data").joinpath("catalog.toml").read_text("utf-8"))
    return {
        id: Entry(**{**row, "id": id, "fetch": tuple(row.get("fetch", ()))})
        for id, row in table.items()
    }


def entry(id: str) -> Entry:
    """Return the entry of the set `id`.

    Raises:
        UnknownNameError: the catalogue has none.
    """
    if id not in catalogue():
        raise UnknownNameError("data set", id, catalogue())
    return catalogue()[id]


def cache_root() -> Path:
    """Return the folder that `qfl data fetch` fills, one subfolder per set."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qfl"


def roots() -> tuple[Path, ...]:
    """Return where sets are looked for, first the folder that QFL_DATA names."""
    named = os.environ.get(ROOT_VARIABLE)
    return (*([Path(named)] if named else []), cache_root())


def folder(id: str) -> Path | None:
    """Return the folder of the set `id` on this machine, or None."""
    entry(id)
    found = (root / id for root in roots())
    return next((path for path in found if path.is_dir() and any(path.iterdir())), None)


def require_folder(id: str) -> Path:
    """Return the folder of the set `id`.

    Raises:
        ConfigError: it is not on this machine; says how to get it.
    """
    path = folder(id)
    if path is None:
        raise ConfigError(
            f"data set {id!r} is neither in {' nor in '.join(map(str, roots()))}; "
            f"set {ROOT_VARIABLE} to the folder that holds {id}/, or run: qfl data fetch {id}"
        )
    return path


def locate(path: Path, *names: str) -> Path:
    """Return the first file out of `names` that lies in the folder `path` or below it.

    Raises:
        ConfigError: none does.
    """
    for name in names:
        found = sorted(path.rglob(name))
        if found:
            return found[0]
    raise ConfigError(f"{path} holds none of {', '.join(names)}; fetch the set again")


def unpacked(path: Path, *names: str) -> Raw:
    """Return the named arrays of an npz file, all of them if none is named."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as packed:
        return {name: packed[name] for name in names or packed.files}


def arrays_of(id: str, read: Callable[[Path], Raw]) -> Raw:
    """Return the arrays of the set `id` as `read` finds them in its folder on this machine.

    Raises:
        ConfigError: it is not on this machine.
        DataError: it is damaged, or not what the catalogue says.
    """
    return verified(entry(id), read, require_folder(id))


def verified(wanted: Entry, read: Callable[[Path], Raw], folder: Path) -> Raw:
    """Return the arrays that `read` finds in `folder`, if they are those of the catalogue.

    Raises:
        DataError: they cannot be read, or differ; names the files that changed where it can.
    """
    try:
        raw = read(folder)
    except _DAMAGED as error:
        wrong = f"cannot be read ({type(error).__name__}: {error})"
    else:
        if fingerprint(raw) == wanted.arrays:
            return raw
        wrong = "holds other values than those of the catalogue"
    where = ", ".join(map(str, changed_files(wanted, folder))) or str(folder)
    again = f"run: qfl data fetch {wanted.id}" if wanted.fetch else "get it again"
    raise DataError(
        f"data set {wanted.id!r}, version {wanted.version}: {where} {wrong}; delete {folder}, then "
        f"{again}; if it stays so, ask its source what changed: {wanted.source}"
    )


def changed_files(wanted: Entry, folder: Path) -> Iterator[Path]:
    """Yield the files of a set whose bytes are known and are others here."""
    for path in sorted(folder.rglob("*")):
        known = wanted.files.get(path.name)
        if known and path.is_file() and file_sha256(path) != known:
            yield path


def fingerprint(raw: Raw) -> str:
    """Return the sha256 of named arrays: names, shapes, little-endian bytes."""
    parts = []
    for name in sorted(raw):
        array = np.ascontiguousarray(raw[name])
        head = f"{name}:{array.dtype.newbyteorder('<').str}:{array.shape}"
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        parts += [head.encode(), little.tobytes()]
    return sha256_hex(*parts)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
