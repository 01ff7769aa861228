"""A pool's ledger and keys in a folder, so that no crash makes a key come back.

    ledger.jsonl     one entry per line, written before what it announces happens
    0.keys, 1.keys   the two ends' copies, for the owner's eyes, in order of production; each is
                     overwritten when it has been handed out or burnt

Keys are written before the entry that produces them: a crash in between leaves bytes that no
entry knows, which are cut off on opening. A torn last line of the ledger announces nothing that
has happened, and is dropped. One process at a time may hold a folder.

A killed process loses nothing that it wrote; a machine that goes down loses what was not synced.
So entries are synced one by one, or `boot` says in which run of the machine they were not: if that
run is over, nobody knows which keys were handed out, and all of them are burnt.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from qfl.core.errors import DiskFullError, SecurityError, StoreError
from qfl.security.keys.ledger import Entry, KeyEvent
from qfl.security.keys.secret import Secret

_LEDGER = "ledger.jsonl"
_BOOT = "boot"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OWNER_ONLY = 0o600


class Vault:
    """The folder of one pool.

    Args:
        folder: made if missing.
        synced: whether each entry waits for the disk, so that no failure costs a key. Without,
            entries are as fast as memory, and a failure of the machine costs all keys.

    Attributes:
        lost: entries may be missing, as the machine went down; until `settle`.

    Raises:
        StoreError: another process holds the folder.
    """

    def __init__(self, folder: Path, *, synced: bool = True) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ledger = _open(folder / _LEDGER)
        self._keys = [_open(folder / f"{index}.keys") for index in (0, 1)]
        try:
            fcntl.flock(self._ledger, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            raise StoreError(
                f"{folder} is held by another process; two would hand out the same keys"
            ) from None
        _sync_folder(folder)
        running = _BOOT_ID.read_text() if _BOOT_ID.exists() else ""
        self._boot = "" if synced else running
        self.lost = (folder / _BOOT).exists() and (folder / _BOOT).read_text() != running

    def entries(self) -> list[Entry]:
        """Return the ledger; a torn last line is cut off, and what follows it if entries are lost.

        Raises:
            SecurityError: a line in the middle is damaged; trust no key of this folder.
        """
        found, size = [], 0
        data = (self.folder / _LEDGER).read_bytes()
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                found.append(_entry(line))
            except (ValueError, KeyError, TypeError):
                if self.lost:
                    break
                raise SecurityError(
                    f"{self.folder / _LEDGER} holds a damaged line; trust no key of this link"
                ) from None
            size += len(line)
        if size < len(data):
            os.ftruncate(self._ledger, size)
        return found

    def settle(self) -> None:
        """Start to hand out keys: what an earlier process left has been dealt with."""
        os.fsync(self._ledger)
        if self._boot:
            made = self.folder / f"{_BOOT}.new"
            with made.open("w") as file:
                file.write(self._boot)
                file.flush()
                os.fsync(file.fileno())
            made.replace(self.folder / _BOOT)
        else:
            (self.folder / _BOOT).unlink(missing_ok=True)
        _sync_folder(self.folder)
        self.lost = False

    def keep(self, entries: Sequence[Entry]) -> None:
        """Write entries to disk, with at most one sync for all of them."""
        lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        end = os.fstat(self._ledger).st_size
        self._write(self._ledger, Secret(lines.encode()), end, sync=not self._boot)

    def add(self, copies: Sequence[Secret], *, start: int) -> None:
        """Write new keys of both ends to disk, behind the `start` bytes that the ledger knows.

        They count once an entry says so; if none ever does, the next keys take their place.
        """
        for descriptor, material in zip(self._keys, copies, strict=True):
            self._write(descriptor, material, start, sync=True)

    def erase(self, index: int, start: int, size: int) -> None:
        """Overwrite a copy that has been handed out or burnt; the ledger has said so before."""
        try:
            os.pwrite(self._keys[index], bytes(size), start)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be written ({error.strerror})") from None

    def material(self, size: int) -> list[Secret]:
        """Return both ends' first `size` bytes; what lies beyond was never announced and is cut.

        Raises:
            SecurityError: fewer bytes are there than the ledger says.
        """
        found = []
        for index, descriptor in enumerate(self._keys):
            os.ftruncate(descriptor, min(size, os.fstat(descriptor).st_size))
            found.append(Secret((self.folder / f"{index}.keys").read_bytes()))
        if any(material.bits != 8 * size for material in found):
            raise SecurityError(
                f"{self.folder} holds fewer keys than its ledger says; trust no key of this link"
            )
        return found

    def _write(self, descriptor: int, data: Secret, start: int, *, sync: bool) -> None:
        """Write at `start`; what was written in part is taken back.

        The data is a secret so that a traceback with local variables does not show it.
        """
        try:
            if 8 * os.pwrite(descriptor, data.reveal(), start) != data.bits:
                raise OSError(errno.ENOSPC, "written in part")
            if sync:
                os.fdatasync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, start)
            kind = DiskFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreError
            raise kind(
                f"{self.folder} cannot be written ({error.strerror}); no key was handed out"
            ) from None

    def close(self) -> None:
        """Sync what was not and let the folder go; the pool that used it is of no more use."""
        os.fsync(self._ledger)
        if self._boot:
            (self.folder / _BOOT).unlink(missing_ok=True)
            _sync_folder(self.folder)
        self._release()

    def _release(self) -> None:
        for descriptor in (self._ledger, *self._keys):
            os.close(descriptor)

    def __repr__(self) -> str:
        return f"Vault({str(self.folder)!r})"

    def __reduce__(self) -> NoReturn:
        raise SecurityError("a vault is neither pickled nor copied")


def _entry(line: bytes) -> Entry:
    fields = json.loads(line)
    return Entry(**{**fields, "event": KeyEvent(fields["event"])})


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
