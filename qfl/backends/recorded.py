"""Counts that were measured before, found again by what was asked. No framework here.

A folder holds one JSON file per job: the device, the machine's job id, and for each circuit the
request id of `jobs.request_id` with its raw counts. `Recording` writes such files around any
backend, the ledger of a study writes them for hardware, `Recorded` answers from them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import MIXERS, QaoaAnsatz
from qfl.backends.gates import angle_row
from qfl.backends.jobs import read, request_id, written
from qfl.core.counts import Counts
from qfl.core.errors import BackendError
from qfl.core.ports import Backend, Capabilities, Compiled


@dataclass(frozen=True, slots=True)
class Recorded:
    """Answers from a folder; it measures nothing.

    Attributes:
        path: the folder.
    """

    path: str

    @property
    def capabilities(self) -> Capabilities:
        """Whatever was recorded."""
        return Capabilities(f"recorded:{self.path}", exact=False, mixers=MIXERS)

    def compile(self, ansatz: QaoaAnsatz) -> RecordedCompiled:
        """Return what was recorded, to be asked about one ansatz.

        Raises:
            BackendError: there is no such folder, or a file in it is damaged.
        """
        return RecordedCompiled(self.path, ansatz, recordings(Path(self.path)))


@dataclass(frozen=True, slots=True, eq=False)
class RecordedCompiled:
    """One ansatz whose samples were drawn before; asked the same again, it gives the next ones."""

    path: str
    ansatz: QaoaAnsatz
    found: Mapping[str, Sequence[Counts]]
    asked: dict[str, int] = field(default_factory=dict)

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Refuse: only samples are recorded.

        Raises:
            BackendError: always.
        """
        raise BackendError(
            f"recorded:{self.path} holds samples and no expectations; train on 'subspace'"
        )

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return the recorded counts of this question; `rng` is not used.

        Raises:
            BackendError: it was not asked when this was recorded, or not so often.
        """
        angle_row(self.ansatz, angles)
        request = request_id(self.ansatz, angles, shots)
        known, times = self.found.get(request, ()), self.asked.get(request, 0)
        if times >= len(known):
            raise BackendError(
                f"recorded:{self.path} holds {len(known)} answers to request {request[:12]} "
                f"({shots} shots), and this is question {times + 1}; record it on a real backend"
            )
        self.asked[request] = times + 1
        return known[times]


@dataclass(frozen=True, slots=True)
class Recording:
    """Any backend, with a copy of everything it measures.

    Attributes:
        backend: what measures.
        path: the folder that grows.
    """

    backend: Backend
    path: str

    @property
    def capabilities(self) -> Capabilities:
        """Those of the backend, for samples and means."""
        return replace(self.backend.capabilities, exact=False)

    def compile(self, ansatz: QaoaAnsatz) -> RecordingCompiled:
        """Return the ansatz compiled on the backend."""
        name = self.capabilities.name
        return RecordingCompiled(self.backend.compile(ansatz), ansatz, Path(self.path), name)


@dataclass(frozen=True, slots=True)
class RecordingCompiled:
    """One compiled ansatz whose samples are kept."""

    inner: Compiled
    ansatz: QaoaAnsatz
    folder: Path
    device: str

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the mean cost as the backend knows it; nothing is kept."""
        return self.inner.expectation(angles)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return measurements of the backend, after they are safe on disk."""
        counts = self.inner.sample(angles, shots, rng)
        request = request_id(self.ansatz, angles, shots)
        number = len(list(self.folder.glob(f"{request[:24]}-*.json")))
        save(self.folder / f"{request[:24]}-{number:06d}.json", self.device, [(request, counts)])
        return counts


def save(path: Path, device: str, answers: Sequence[tuple[str, Counts]], *, job: str = "") -> None:
    """Write one file of a folder, so that a crash leaves all of it or nothing.

    Args:
        path: the file.
        device: where it was measured.
        answers: (request id, counts) of every circuit of the job.
        job: the machine's id of the job.
    """
    circuits = [{"request": request, "counts": written(counts)} for request, counts in answers]
    text = json.dumps({"device": device, "job": job, "circuits": circuits}, indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(path: Path) -> list[tuple[str, Counts]]:
    """Return the (request id, counts) of one file.

    Raises:
        BackendError: it cannot be read, is damaged, or is no recording.
    """
    try:
        record: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendError(
            f"{path} is damaged ({type(error).__name__}); restore it, or delete it and fetch again"
        ) from error
    try:
        return [(each["request"], read(each["counts"])) for each in record["circuits"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackendError(
            f"{path} is not a recording of qfl ({type(error).__name__}); move it elsewhere, or "
            "give a folder that holds recordings only"
        ) from error


def recordings(folder: Path) -> dict[str, list[Counts]]:
    """Return request id -> counts in the order in which they were recorded.

    Raises:
        BackendError: there is no such folder, or a file is damaged.
    """
    if not folder.is_dir():
        raise BackendError(f"no recorded counts in {folder}: give the folder of the counts files")
    found: dict[str, list[Counts]] = {}
    for request, counts in _answers(folder):
        found.setdefault(request, []).append(counts)
    return found


def _answers(folder: Path) -> Iterator[tuple[str, Counts]]:
    for path in sorted(folder.glob("*.json")):
        yield from load(path)
