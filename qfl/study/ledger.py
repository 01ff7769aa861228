"""jobs.jsonl: what was sent to machines that have a queue and a price.

Only ever appended to, fsync'd, one event per line: `intent` before a job is submitted, `submitted`
with the machine's id before anybody waits, then `fetched` or `failed`; `refused` and `forgotten`
undo an intent, `duplicate` names a second job that the machine made of one, `spent` says what a job
without counts has used, `disowned` that an id was named by mistake, `doubted` that the last try was
refused while an earlier one may have arrived. An intent without an id
means: look the job up by its tag, never submit it again. Raw counts are in counts/, what the qubits
were like in calibration/, both named here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from qfl.backends.jobs import Collected, Placement, check_whole
from qfl.backends.recorded import load, save
from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.counts import Counts
from qfl.core.errors import JobDamagedError, StoreError
from qfl.study.store import append_line, whole_lines, write_atomically

JOBS, COUNTS, CALIBRATION = "jobs.jsonl", "counts", "calibration"

State = Literal["intent", "submitted", "fetched", "failed", "refused", "forgotten"]
Event = State | Literal["duplicate", "spent", "disowned", "doubted"]
_OPEN, _UNDONE = ("intent", "submitted"), ("refused", "forgotten")


@dataclass(frozen=True, slots=True)
class Asked:
    """One circuit of a job.

    Attributes:
        cell: id of the cell that asked.
        request: what it asked, `jobs.request_id`.
        calibration: id of the calibration record of its qubits at submission, "" for none.
        two_qubit_gates, depth: after transpilation.
        measured: the device's number of the qubit that is variable k; empty if not known.
        variables: how many it reads, 0 on ledgers before 2026-12.
    """

    cell: str
    request: str
    calibration: str = ""
    two_qubit_gates: int = 0
    depth: int = 0
    measured: tuple[int, ...] = ()
    variables: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the ledger knows it; cells of a run share it.

    Attributes:
        key: names it here: hash of backend, cells, requests and `nonce`.
        backend, options: as `get_backend` takes them, to collect from another process.
        shots: per circuit.
        asked: its circuits, in order.
        state: of the last event.
        job: the machine's id, "" before it is known.
        calibrated: id of a calibration record at submission -> that at collection.
        qpu_seconds, queue_seconds: that the machine reports, None where it does not.
        reason: why it failed or was refused, or what the machine did not say.
        submitted, fetched: ISO times.
        duplicates: the machine's ids of further jobs that it made of this one.
        spent: id of a job at its machine that brought no counts -> its QPU seconds, None where the
            machine does not say.
        nonce: of this intent alone, so that neither its successor nor the same study in another
            folder carries its tag; "" on ledgers before 2026-12.
        adopted: somebody named `job`; no machine said so.
        refusal: what the machine said to the last try of its client, while nobody knows whether an
            earlier one arrived; "" if it did not refuse.
    """

    key: str
    backend: str
    options: Mapping[str, Any]
    shots: int
    asked: tuple[Asked, ...]
    state: State = "intent"
    job: str = ""
    calibrated: Mapping[str, str] = field(default_factory=dict)
    qpu_seconds: float | None = None
    queue_seconds: float | None = None
    reason: str = ""
    submitted: str = ""
    fetched: str = ""
    duplicates: tuple[str, ...] = ()
    spent: Mapping[str, float | None] = field(default_factory=dict)
    nonce: str = ""
    adopted: bool = False
    refusal: str = ""

    @property
    def tag(self) -> str:
        """What the job carries at the machine, so that it can be found without its id."""
        return f"qfl-{self.key[:24]}"

    @property
    def circuits(self) -> int:
        """How many travel in it."""
        return len(self.asked)

    @property
    def cells(self) -> tuple[str, ...]:
        """Whose circuits they are."""
        return tuple(dict.fromkeys(each.cell for each in self.asked))

    @property
    def records(self) -> tuple[str, ...]:
        """Ids of the calibration records at submission, each once."""
        return tuple(dict.fromkeys(each.calibration for each in self.asked if each.calibration))

    def check_own(self, collected: Collected, number: str) -> None:
        """Do nothing if counts can be this job's: whole, and as wide as was asked.

        Where somebody named `number`, circuits that the result names must carry the tag too; where
        the machine did, its provider may call them as it likes.

        Raises:
            JobDamagedError: they cannot.
        """
        check_whole(collected.counts, number, circuits=self.circuits, shots=self.shots)
        pairs = zip(self.asked, collected.counts, strict=True)
        widths = [(each.variables, counts.n) for each, counts in pairs]
        wrong = [f"{got} variables instead of {asked}" for asked, got in widths if 0 < asked != got]
        if self.adopted or not self.job:
            wrong += [f"a circuit {name!r}" for name in collected.names if self.tag not in name]
        if wrong:
            raise JobDamagedError(
                f"job {number} holds {wrong[0]}, so it is not {self.tag}, whose circuits carry "
                "that name"
            )

    @property
    def fruitless(self) -> tuple[str, ...]:
        """The machine's ids of what it made of this job and brought no counts, each once."""
        ended = self.state in ("failed", "forgotten") and self.job
        return tuple(dict.fromkeys([*self.duplicates, *([self.job] if ended else [])]))

    @property
    def names(self) -> tuple[str, ...]:
        """By which it can be given up; if it has its counts, only an adoption can be undone."""
        if self.state == "fetched":
            return (self.job,) if self.adopted else ()
        return tuple(filter(None, (self.job, self.tag)))

    @property
    def undone_by(self) -> str:
        """What gives it up for good; an id that somebody named only undoes that."""
        return self.tag if self.adopted or not self.job else self.job

    @property
    def is_open(self) -> bool:
        """True while something may still come back."""
        return self.state in _OPEN


@dataclass(frozen=True, slots=True)
class Used:
    """QPU seconds that machines report so far.

    Attributes:
        seconds: of all jobs.
        fruitless: those among them of duplicates, and of jobs that failed or were given up.
        unknown: how many jobs have ended of which no seconds are known.
    """

    seconds: float
    fruitless: float
    unknown: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The jobs of one run.

    Attributes:
        folder: the run folder; it need not exist yet.
    """

    folder: Path

    def jobs(self) -> dict[str, Job]:
        """Return every job that may still answer, by its key, in the order they were meant.

        Raises:
            StoreError: a line cannot be read; its number is named.
        """
        return {key: job for key, job in self.history().items() if job.state not in _UNDONE}

    def used(self) -> Used:
        """Return the QPU seconds of all jobs, those that were given up included."""
        jobs = self.history().values()
        useful = [job.qpu_seconds for job in jobs if job.state == "fetched"]
        lost = [job.spent.get(number) for job in jobs for number in job.fruitless]
        fruitless = sum(each for each in lost if each is not None)
        seconds = sum(each for each in useful if each is not None) + fruitless
        return Used(seconds, fruitless, (useful + lost).count(None))

    def answered(self) -> Counter[str]:
        """Return how many circuits of each cell have their counts here."""
        jobs = self.jobs().values()
        return Counter(each.cell for job in jobs if job.state == "fetched" for each in job.asked)

    def history(self) -> dict[str, Job]:
        """Return every job by its key, refused and forgotten ones too.

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
            if job.backend == backend:
                places = [
                    place
                    for place, asked in enumerate(job.asked)
                    if (asked.cell, asked.request) == (cell, request)
                ]
                if times < len(places):
                    return job, places[times]
                times -= len(places)
        return None

    def note(self, event: Event, key: str, **facts: Any) -> None:
        """Append one event and wait until the disk has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"event": event, "key": key, "time": when, **facts}
        append_line(self.folder / JOBS, canonical_json(line))

    def counts(self, key: str) -> tuple[Counts, ...]:
        """Return the raw counts of a fetched job."""
        return tuple(counts for _, counts in load(self.folder / COUNTS / f"{key}.json"))

    def placement(self, asked: Asked) -> Placement:
        """Return where a circuit runs, as it was when it was submitted."""
        calibrated = self.calibration(asked.calibration) if asked.calibration else {}
        return Placement(calibrated, asked.two_qubit_gates, asked.depth, asked.measured)

    def calibration(self, name: str) -> dict[str, Any]:
        """Return a calibration record by its id."""
        path = self.folder / CALIBRATION / f"{name}.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record

    def note_intent(self, job: Job) -> None:
        """Record that a job is about to be submitted, and where its circuits will run."""
        self.note(
            "intent",
            job.key,
            backend=job.backend,
            options=dict(job.options),
            shots=job.shots,
            asked=[asdict(each) for each in job.asked],
            nonce=job.nonce,
        )

    def note_disowned(self, job: Job) -> None:
        """Record that an adoption was a mistake: the job is in doubt again, its counts are not."""
        self.note("disowned", job.key, job=job.job)
        (self.folder / COUNTS / f"{job.key}.json").unlink(missing_ok=True)

    def note_fetched(self, job: Job, collected: Collected) -> None:
        """Record what a job measured: counts first, so that the line never points to nothing.

        Raises:
            JobDamagedError: circuits or shots are missing, or they are of another job; nothing is
                recorded.
        """
        job.check_own(collected, job.job)
        requests = (each.request for each in job.asked)
        answers = list(zip(requests, collected.counts, strict=True))
        path = self.folder / COUNTS / f"{job.key}.json"
        save(path, job.backend, answers, job=job.job)
        self.note(
            "fetched",
            job.key,
            calibrated={
                then: self.keep(now)
                for then, now in zip(job.records, collected.calibrations, strict=False)
            },
            qpu_seconds=collected.qpu_seconds,
            queue_seconds=collected.queue_seconds,
            reason=collected.remark,
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


_FOUND = ("calibrated", "qpu_seconds", "queue_seconds", "reason")


def _apply(found: dict[str, Job], line: Mapping[str, Any]) -> None:
    """Fold one event into the jobs; what two processes collected counts as the first saw it."""
    key, event = line["key"], line["event"]
    if event == "intent":
        asked = (Asked(**{**each, "measured": tuple(each["measured"])}) for each in line["asked"])
        job = Job(key, line["backend"], line["options"], line["shots"], tuple(asked))
        found[key] = replace(job, nonce=line.get("nonce", ""))
        return
    job = found[key]
    if event == "duplicate":
        found[key] = replace(job, duplicates=(*job.duplicates, line["job"]))
        return
    if event == "spent":
        found[key] = replace(job, spent={**job.spent, line["job"]: line["qpu_seconds"]})
        return
    if event == "doubted":
        found[key] = replace(job, refusal=line["reason"])
        return
    if event == "disowned":
        fresh = Job(key, job.backend, job.options, job.shots, job.asked, nonce=job.nonce)
        found[key] = replace(fresh, duplicates=job.duplicates, spent=job.spent)
        return
    if event not in get_args(State):
        raise ValueError(f"unknown event {event!r}")
    if event == "submitted" and line["job"] in job.duplicates:
        return  # it was undone before whoever sent it heard of it
    if job.state == "fetched":
        if event == "submitted" and line["job"] != job.job:
            found[key] = replace(job, duplicates=(*job.duplicates, line["job"]))
        return
    job = replace(job, state=event)
    if event in _UNDONE:
        found[key] = replace(job, reason=line.get("reason", ""))
    elif event == "submitted":
        adopted = line.get("adopted", False)
        found[key] = replace(job, job=line["job"], submitted=line["time"], adopted=adopted)
    elif event == "fetched":
        found[key] = replace(job, fetched=line["time"], **{name: line[name] for name in _FOUND})
    else:
        found[key] = replace(job, reason=line["reason"])
