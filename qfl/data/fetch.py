"""Filling the cache: official files are downloaded, unpacked and verified, once, when asked for.

Every file whose bytes are known is compared with its sha256. What arrives as an archive is read,
and the arrays are compared with the fingerprint in the catalogue: what a fetch leaves behind gives
the same data as any other form of the set, or it leaves nothing.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit

from qfl.core.errors import ConfigError, DataError, MissingExtraError
from qfl.core.registry import load
from qfl.data.catalog import Entry, cache_root, changed_files, entry, file_sha256, verified

Download = Callable[[str, Path], None]
"""(address, file to write) -> nothing."""


def fetch(id: str, *, download: Download | None = None) -> Path:
    """Return the folder in the cache that holds the set `id`, downloading it if it is not there.

    Args:
        id: entry of the catalogue.
        download: gets one file; by default pooch over the network.

    Raises:
        ConfigError: the set has to be put there by hand, or what arrived is not what is expected;
            in that case nothing is kept.
        MissingExtraError: pooch is not installed.
    """
    wanted = entry(id)
    target = cache_root() / id
    if target.is_dir():
        verify(wanted, target)
        return target
    if not wanted.fetch:
        raise ConfigError(
            f"{id} cannot be fetched by a program; get it from {wanted.source} "
            f"and put its files into {target}"
        )
    get = download or _pooch()
    part = target.with_name(f".{id}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for address in wanted.fetch:
            file = part / unquote_plus(urlsplit(address).path.rpartition("/")[2])
            get(address, file)
            _unpack(file)
        verify(wanted, part)
        (part / "LICENCE.txt").write_text(
            f"{wanted.title}: {wanted.licence}\n{wanted.citation}\n{wanted.source}\n{wanted.note}\n"
        )
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def verify(wanted: Entry, folder: Path) -> None:
    """Do nothing if the files in `folder` are those of the catalogue.

    Raises:
        DataError: a file or the arrays read out of the files differ.
    """
    for path in changed_files(wanted, folder):
        raise DataError(
            f"{path} has sha256 {file_sha256(path)}, the catalogue says "
            f"{wanted.files[path.name]}; delete {folder} and fetch again, or ask its source what "
            "changed"
        )
    if wanted.reader:
        verified(wanted, load(wanted.reader), folder)


def _unpack(file: Path) -> None:
    """Unpack an archive, and archives inside it, in place; leave other files alone."""
    if file.suffix != ".zip":
        return
    inside = file.with_suffix("")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(inside)
    file.unlink()
    for nested in sorted(inside.rglob("*.zip")):
        _unpack(nested)


def _pooch() -> Download:
    """Return a download through pooch."""
    try:
        import pooch
    except ModuleNotFoundError:
        raise MissingExtraError("fetching data", "data") from None

    def download(address: str, file: Path) -> None:
        pooch.retrieve(address, known_hash=None, fname=file.name, path=file.parent)

    return download
