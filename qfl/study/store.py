"""cells.jsonl: one line per finished, failed, skipped or pending cell, appended and fsync'd.

The file is the truth and is only ever appended to, so lines of unknown type and fields of newer
versions survive. The last line may be torn by a crash: it is dropped. Any other line that cannot
be read is an error with its number. Merging two runs is concatenating their files.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from qfl.core.arrays import canonical_json
from qfl.core.cell import SCHEMA_VERSION, Cell
from qfl.core.errors import DiskFullError, StoreError
from qfl.core.record import RoundRecord

CELLS = "cells.jsonl"

Status = Literal["done", "failed", "skipped", "pending"]


@dataclass(frozen=True, slots=True)
class CellRow:
    """One line of cells.jsonl.

    Attributes:
        cell: identity and labels; labels["method"] names the curve, other labels the other axes.
        status: how the cell ended; pending waits for hardware.
        reason: why it failed, was skipped or waits; "" when done.
        rounds: what each round did; round 0 is the evaluation before training.
        fingerprint: hash of the code that made it.
        provenance: names provenance/<provenance>.json.
        timings: real seconds, such as {"total_seconds": 1.5}.
        replaces: fingerprint of the finished row that a deliberate rerun supersedes, or "".
    """

    cell: Cell
    status: Status
    reason: str = ""
    rounds: tuple[RoundRecord, ...] = ()
    fingerprint: str = ""
    provenance: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    replaces: str = ""

    def content(self) -> str:
        """Return the part that must repeat bit for bit: all rounds, without real seconds."""
        rounds = [record.to_dict() for record in self.rounds]
        for row in rounds:
            del row["timings"]
        return canonical_json({"rounds": rounds})

    def to_dict(self) -> dict[str, Any]:
        """Return the line as plain JSON types."""
        return {
            "id": self.cell.id,
            "identity": self.cell.identity(),
            "labels": dict(self.cell.labels),
            "status": self.status,
            "reason": self.reason,
            "rounds": [record.to_dict() for record in self.rounds],
            "fingerprint": self.fingerprint,
            "provenance": self.provenance,
            "timings": dict(self.timings),
            "replaces": self.replaces,
        }

    @classmethod
    def from_dict(cls, line: Mapping[str, Any]) -> CellRow:
        """Return the row that `to_dict` wrote; unknown fields are ignored.

        Raises:
            StoreError: the line contradicts itself or another version wrote it.
        """
        identity = line["identity"]
        if identity["schema"] != SCHEMA_VERSION:
            raise StoreError(
                f"cell schema {identity['schema']}, this version reads {SCHEMA_VERSION}"
            )
        cell = Cell.from_identity(identity, line["labels"])
        if cell.id != line["id"]:
            raise StoreError(f"id {line['id'][:12]} is not the hash of its identity")
        if line["status"] not in get_args(Status):
            raise StoreError(f"status {line['status']!r}; allowed: {', '.join(get_args(Status))}")
        return cls(
            cell=cell,
            status=line["status"],
            reason=line["reason"],
            rounds=tuple(RoundRecord.from_dict(row) for row in line["rounds"]),
            fingerprint=line["fingerprint"],
            provenance=line["provenance"],
            timings=line["timings"],
            replaces=line.get("replaces", ""),
        )


def load(path: Path) -> list[CellRow]:
    """Return the rows that hold, one per cell, in the order in which the cells first appear.

    Args:
        path: a cells.jsonl; a missing file has no rows.

    Raises:
        StoreError: a line cannot be read (its number is named), or two finished rows of one cell
            differ and neither replaces the other.
    """
    rows: dict[str, CellRow] = {}
    for number, row in _lines(path):
        known = rows.get(row.cell.id)
        rows[row.cell.id] = row if known is None else _newer(known, row, f"{path}:{number}")
    return list(rows.values())


def append(path: Path, row: CellRow) -> None:
    """Add one row and wait until the disk has it; a torn last line is cut off first.

    Raises:
        DiskFullError: no space is left; the file is as it was before.
        StoreError: the file cannot be written.
    """
    append_line(path, canonical_json(row.to_dict()))


def append_line(path: Path, text: str) -> None:
    """Add one line and wait until the disk has it; processes take turns.

    Raises:
        DiskFullError, StoreError: as `append`.
    """
    line = (text + "\n").encode()
    with writing(path):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _mend(file)
            try:
                _write(file, line)
                os.fsync(file)
            except OSError:
                os.ftruncate(file, end)
                raise
        finally:
            os.close(file)


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file by `text` so that a crash leaves either the old or the new one.

    Raises:
        DiskFullError, StoreError: as `append`; the old file is untouched.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing `path` into one clear sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"no space left for {path}; what was finished is safe on disk. "
                "Free some space and run the same command again"
            ) from error
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


def _write(file: int, data: bytes) -> None:
    """Write all of `data`; a full disk may take it in parts before it refuses."""
    while data:
        data = data[os.write(file, data) :]


def _mend(file: int) -> int:
    """Return the size after completing or cutting off a last line without its newline."""
    end = os.lseek(file, 0, os.SEEK_END)
    if end == 0 or os.pread(file, 1, end - 1) == b"\n":
        return end
    text = os.pread(file, end, 0)
    start = text.rfind(b"\n") + 1
    if _is_json(text[start:]):
        _write(file, b"\n")
        return end + 1
    os.ftruncate(file, start)
    return os.lseek(file, start, os.SEEK_SET)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def whole_lines(path: Path) -> list[bytes]:
    """Return the lines of a file, without a torn last one; a missing file has none.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    lines = text.split(b"\n")
    return lines if _is_json(lines[-1]) else lines[:-1]


def _lines(path: Path) -> Iterator[tuple[int, CellRow]]:
    """Yield every cell line with its number; lines of other types are passed over."""
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            row = json.loads(line)
            if row.get("type", "cell") == "cell":
                yield number, CellRow.from_dict(row)
        except (StoreError, ValueError, KeyError, TypeError, AttributeError) as error:
            cause = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise StoreError(
                f"{path}:{number}: this line is damaged ({cause}). Nothing was changed: restore "
                "the line, or delete it and run again to recompute that cell"
            ) from error


def _newer(known: CellRow, row: CellRow, where: str) -> CellRow:
    """Return the row that holds when a cell has two lines."""
    if known.status != "done" or (row.status == "done" and row.replaces):
        return row
    if row.status != "done":
        return row if row.fingerprint != known.fingerprint else known
    if row.content() != known.content():
        raise StoreError(
            f"{where}: cell {row.cell.id[:12]} has two different results, of code "
            f"{known.fingerprint[:12]} and {row.fingerprint[:12]}: these runs cannot be merged. "
            "Delete one of the two lines, or both to recompute the cell"
        )
    return known
