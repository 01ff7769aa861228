"""jobs.jsonl: what was sent to machines that have a queue and a price.

Only ever appended to, fsync'd, one event per line: `intent` before a job is submitted, `submitted`
with the machine's id before anybody waits, then `fetched` or `failed`; `refused` and `forgotten`
undo an intent. An intent without an id means: look the job up by its tag, never submit it again.
Raw counts are in counts/, what the qubits were like in calibration/, both named here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from qfl.backends.jobs import Collected, Placement, check_whole
from qfl.backends.recorded import load, save
from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.counts import Counts
from qfl.core.errors import StoreError
from qfl.study.store import append_line, whole_lines, write_atomically

JOBS, COUNTS, CALIBRATION = "jobs.jsonl", "counts", "calibration"

State = Literal["intent", "submitted", "fetched", "failed", "refused", "forgotten"]
_OPEN, _UNDONE = ("intent", "submitted"), ("refused", "forgotten")


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the ledger knows it.

    Attributes:
        key: names it here: hash of cell, backend, requests and its place in the ledger, so that a
            job that was given up and its successor carry different tags.
        cell: id of the cell that asked.
        backend, options: as `get_backend` takes them, to collect from another process.
        requests: what was asked, `jobs.request_id` of every circuit in order.
        shots: per circuit.
        state: of the last event.
        job: the machine's id, "" before it is known.
        calibrated: ids of the calibration records at submission and at collection.
        two_qubit_gates, depth: of one circuit, after transpilation.
        measured: the device's number of the qubit that is variable k; empty if not known.
        qpu_seconds, queue_seconds: that the machine reports.
        reason: why it failed or was refused.
        submitted, fetched: ISO times.
    """

    key: str
    cell: str
    backend: str
    options: Mapping[str, Any]
    requests: tuple[str, ...]
    shots: int
    state: State = "intent"
    job: str = ""
    calibrated: tuple[str, ...] = ()
    two_qubit_gates: int = 0
    depth: int = 0
    measured: tuple[int, ...] = ()
    qpu_seconds: float = 0.0
    queue_seconds: float = 0.0
    reason: str = ""
    submitted: str = ""
    fetched: str = ""

    @property
    def tag(self) -> str:
        """What the job carries at the machine, so that it can be found without its id."""
        return f"qfl-{self.key[:24]}"

    @property
    def circuits(self) -> int:
        """How many travel in it."""
        return len(self.requests)

    @property
    def is_open(self) -> bool:
        """True while something may still come back."""
        return self.state in _OPEN


@dataclass(frozen=True, slots=True)
class Ledger:
    """The jobs of one run.

    Attributes:
        folder: the run folder; it need not exist yet.
    """

    folder: Path

    @property
    def length(self) -> int:
        """How many events were noted."""
        return sum(1 for _ in whole_lines(self.folder / JOBS))

    def jobs(self) -> dict[str, Job]:
        """Return every job by its key, in the order in which they were meant.

        Raises:
            StoreError: a line cannot be read; its number is named.
        """
        found: dict[str, Job] = {}
        path = self.folder / JOBS
        for number, line in enumerate(whole_lines(path), start=1):
            try:
                _apply(found, json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    f"{path}:{number}: this line is damaged ({error}). Nothing was changed: "
                    "restore the line; the jobs before it are at their machines"
                ) from error
        return found

    def find(self, cell: str, backend: str, request: str, times: int) -> tuple[Job, int] | None:
        """Return the job that holds an answer, and which of its circuits it is.

        Args:
            cell, backend, request: who asked where, and what.
            times: how often the cell asked the same before; repeated questions have own answers.
        """
        for job in self.jobs().values():
            if (job.cell, job.backend) == (cell, backend):
                places = [k for k, asked in enumerate(job.requests) if asked == request]
                if times < len(places):
                    return job, places[times]
                times -= len(places)
        return None

    def note(self, event: State, key: str, **facts: Any) -> None:
        """Append one event and wait until the disk has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"event": event, "key": key, "time": when, **facts}
        append_line(self.folder / JOBS, canonical_json(line))

    def counts(self, key: str) -> tuple[Counts, ...]:
        """Return the raw counts of a fetched job."""
        return tuple(counts for _, counts in load(self.folder / COUNTS / f"{key}.json"))

    def placement(self, job: Job) -> Placement:
        """Return where a job runs, as it was when it was submitted."""
        calibrated = self.calibration(job.calibrated[0]) if job.calibrated else {}
        return Placement(calibrated, job.two_qubit_gates, job.depth, job.measured)

    def calibration(self, name: str) -> dict[str, Any]:
        """Return a calibration record by its id."""
        path = self.folder / CALIBRATION / f"{name}.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record

    def note_intent(self, job: Job, placement: Placement) -> None:
        """Record that a job is about to be submitted, and where it will run."""
        self.note(
            "intent",
            job.key,
            **{name: getattr(job, name) for name in _ASKED},
            options=dict(job.options),
            calibration=self.keep(placement.calibration),
            two_qubit_gates=placement.two_qubit_gates,
            depth=placement.depth,
            measured=placement.measured,
        )

    def note_fetched(self, job: Job, collected: Collected) -> None:
        """Record what a job measured: counts first, so that the line never points to nothing.

        Raises:
            JobDamagedError: circuits or shots are missing; nothing is recorded.
        """
        check_whole(collected.counts, job.job, circuits=job.circuits, shots=job.shots)
        answers = list(zip(job.requests, collected.counts, strict=True))
        path = self.folder / COUNTS / f"{job.key}.json"
        save(path, job.backend, answers, job=job.job)
        self.note(
            "fetched",
            job.key,
            calibration=self.keep(collected.calibration),
            qpu_seconds=collected.qpu_seconds,
            queue_seconds=collected.queue_seconds,
        )

    def keep(self, record: Mapping[str, Any]) -> str:
        """Store a calibration record under its id and return the id; "" for an empty one."""
        if not record:
            return ""
        text = canonical_json(record)
        name = sha256_hex(text.encode())
        path = self.folder / CALIBRATION / f"{name}.json"
        if not path.exists():
            write_atomically(path, text)
        return name


_ASKED = ("cell", "backend", "requests", "shots")
_SETTLED = ("options", "two_qubit_gates", "depth")


def _apply(found: dict[str, Job], line: Mapping[str, Any]) -> None:
    """Fold one event into the jobs."""
    key, event = line["key"], line["event"]
    if event not in get_args(State):
        raise ValueError(f"unknown event {event!r}")
    if event == "intent":
        facts = {name: line[name] for name in (*_ASKED, *_SETTLED)}
        facts |= {name: tuple(line[name]) for name in ("requests", "measured")}
        found[key] = Job(key=key, calibrated=_named(line), **facts)
        return
    job = replace(found[key], state=event)
    if event in _UNDONE:
        del found[key]
    elif event == "submitted":
        found[key] = replace(job, job=line["job"], submitted=line["time"])
    elif event == "fetched":
        found[key] = replace(
            job,
            calibrated=job.calibrated + _named(line),
            qpu_seconds=line["qpu_seconds"],
            queue_seconds=line["queue_seconds"],
            fetched=line["time"],
        )
    else:
        found[key] = replace(job, reason=line["reason"])


def _named(line: Mapping[str, Any]) -> tuple[str, ...]:
    return (line["calibration"],) if line["calibration"] else ()
