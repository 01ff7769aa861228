"""Machines with a queue, as a study reaches them: every question goes through the run's ledger.

A question that was asked before is answered from the ledger, whichever process asked. New ones on
one circuit travel in one job: intent, submission, and the promise to be collected later. That holds
under mitigation too: the ledger stands between the wrapper and the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import CIRCUITS_PER_JOB, WRAPPERS, get_backend, has_queue, innermost
from qfl.backends.gates import angle_rows
from qfl.backends.jobs import Queue, Queued, request_id
from qfl.backends.practice import practised
from qfl.core.arrays import sha256_hex
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import (
    BackendError,
    ConfigError,
    JobDamagedError,
    JobFailedError,
    JobPendingError,
    JobRefusedError,
    MissingExtraError,
)
from qfl.core.ports import Backend, Capabilities
from qfl.study.ledger import Job, Ledger


def fetch(ledger: Ledger, *, forget: bool = False) -> Iterator[Job]:
    """Yield every open job after asking its machine once; idempotent.

    A machine that cannot be asked now is the job's reason; the others are still asked.

    Args:
        ledger: of the run.
        forget: give up failed jobs, results that do not arrive whole, and intents that their
            machine does not know: the next run sends them again.
    """
    for job in ledger.jobs().values():
        if job.state == "failed" and forget:
            ledger.note("forgotten", job.key)
            yield replace(job, state="forgotten")
        elif job.is_open:
            try:
                machine = cast(Queue, get_backend(job.backend, **job.options))
                job = _fetched(ledger, job, machine, forget=forget)
            except JobDamagedError as error:
                if forget:
                    ledger.note("forgotten", job.key)
                job = replace(job, state="forgotten" if forget else job.state, reason=str(error))
            except (BackendError, MissingExtraError) as error:
                job = replace(job, reason=str(error))
            yield job


def _fetched(ledger: Ledger, job: Job, machine: Queue, *, forget: bool = False) -> Job:
    """Return the job after one look at its machine."""
    if job.state == "intent":
        number = machine.find(job.tag)
        if number is None:
            if forget:
                ledger.note("forgotten", job.key)
            return ledger.jobs().get(job.key, replace(job, state="forgotten"))
        ledger.note("submitted", job.key, job=number)
        job = ledger.jobs()[job.key]
    first = ledger.calibration(job.calibrated[0]) if job.calibrated else {}
    try:
        collected = machine.collect(job.job, first)
    except JobFailedError as error:
        ledger.note("failed", job.key, reason=str(error))
    else:
        if collected is not None:
            ledger.note_fetched(job, collected)
    return ledger.jobs()[job.key]


@dataclass(frozen=True, slots=True)
class Ledgered:
    """A machine behind the ledger of a run: asked the same twice, it sends one job.

    Attributes:
        name, options: of the machine, as `get_backend` takes them.
        ledger, cell: where jobs are noted, and for whom.
        submits: False answers from the ledger alone.
        outbox: where new questions wait for others that can travel with them; None sends at once.
        asked: how often each request came, which tells repeated questions apart.
    """

    name: str
    options: Mapping[str, Any]
    ledger: Ledger
    cell: str
    submits: bool = True
    outbox: Outbox | None = None
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def capabilities(self) -> Capabilities:
        """Those of the machine."""
        return self.machine().capabilities

    def machine(self) -> Backend:
        """Return the machine itself."""
        return get_backend(self.name, **self.options)

    def compile(self, ansatz: QaoaAnsatz) -> LedgeredCompiled:
        """Return the ansatz; the machine is only asked when something has to be sent."""
        return LedgeredCompiled(self, ansatz)

    def find(self, question: Question) -> tuple[Job, int] | None:
        """Return the job that holds the answer and its place in it, None if it was never sent."""
        return self.ledger.find(self.cell, self.name, question.request, question.times)

    def send(self, ansatz: QaoaAnsatz, questions: Sequence[Question], shots: int) -> None:
        """Submit questions about one ansatz, in as few jobs as the machine allows.

        Raises:
            BackendError: this ledger only answers.
            JobRefusedError: the machine did not take a job; those before it are noted.
        """
        if not self.submits:
            raise BackendError(
                f"cell {self.cell[:12]} asks {self.name} what the ledger of {self.ledger.folder} "
                "does not answer; was it played by other code?"
            )
        compiled = cast(Queued, self.machine().compile(ansatz))
        most = CIRCUITS_PER_JOB.get(self.name.partition(":")[0], len(questions))
        for first in range(0, len(questions), most):
            self._submit(compiled, questions[first : first + most], shots)

    def _submit(self, compiled: Queued, questions: Sequence[Question], shots: int) -> None:
        requests = tuple(question.request for question in questions)
        words = (self.cell, self.name, *requests, str(self.ledger.length))
        key = sha256_hex(*(word.encode() for word in words))
        job = Job(key, self.cell, self.name, self.options, requests, shots)
        self.ledger.note_intent(job, compiled.placement())
        angles = np.array([question.angles for question in questions])
        try:
            number = compiled.submit(angles, shots, tag=job.tag)
        except JobRefusedError as error:
            self.ledger.note("refused", key, reason=str(error))
            raise
        self.ledger.note("submitted", key, job=number)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One circuit to sample.

    Attributes:
        angles: (2, p).
        request: what is asked, `jobs.request_id`.
        times: how often the cell asked the same before.
    """

    angles: NDArray[np.float64]
    request: str
    times: int


@dataclass(frozen=True, slots=True, eq=False)
class LedgeredCompiled:
    """One ansatz whose samples are jobs of the ledger; `answered` are those of this play."""

    backend: Ledgered
    ansatz: QaoaAnsatz
    answered: list[Job] = field(default_factory=list)

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Refuse: a machine samples.

        Raises:
            BackendError: always.
        """
        raise BackendError(
            f"{self.backend.name} only samples; choose angles elsewhere: training_backend = "
            "'subspace'"
        )

    @property
    def readouts(self) -> NDArray[np.float64] | None:
        """How variable k was read in the last answer, (n, 2, 2); None if that is not known."""
        return self.backend.ledger.placement(self.answered[-1]).readouts if self.answered else None

    def execution(self) -> Execution | None:
        """Return how the last answer was measured, its share of the job's time; None before it."""
        if not self.answered:
            return None
        job, ledger = self.answered[-1], self.backend.ledger
        records = tuple(ledger.calibration(name) for name in job.calibrated)
        return Execution(
            calibrations=records,
            qubits=len(records[0]["qubits"]) if job.measured and records else self.ansatz.n,
            depth=job.depth,
            two_qubit_gates=job.two_qubit_gates,
            mitigation=practised(self.backend.options),
            queue_seconds=job.queue_seconds,
            qpu_seconds=job.qpu_seconds / job.circuits,
        )

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return the counts if they are there; `rng` is not used, the machine draws.

        Raises:
            JobPendingError: the job waits; it was sent now or earlier, and never twice.
            JobFailedError: the machine gave it up.
        """
        (counts,) = self.samples(np.asarray(angles, dtype=np.float64)[None], shots, rng)
        return counts

    def samples(
        self, angles: ArrayLike, shots: int, rng: np.random.Generator
    ) -> tuple[Counts, ...]:
        """Return the counts at each angle set of (..., 2, p); what is new travels together.

        Raises:
            JobPendingError: a job waits; it was sent now or earlier, and never twice.
            JobFailedError: the machine gave one up.
        """
        rows, _ = angle_rows(self.ansatz, angles)
        questions = [self._question(row.reshape(2, -1), shots) for row in rows]
        new = [question for question in questions if self.backend.find(question) is None]
        outbox = self.backend.outbox
        if new and outbox is not None and self.backend.submits:
            outbox.add(self, new, shots)
            raise JobPendingError(f"{len(new)} circuits wait to be sent to {self.backend.name}")
        if new:
            self.backend.send(self.ansatz, new, shots)
        return tuple(self._answer(question) for question in questions)

    def _question(self, angles: NDArray[np.float64], shots: int) -> Question:
        request = request_id(self.ansatz, angles, shots)
        times = self.backend.asked[request]
        self.backend.asked[request] += 1
        return Question(angles, request, times)

    def _answer(self, question: Question) -> Counts:
        backend, ledger = self.backend, self.backend.ledger
        job, place = cast(tuple[Job, int], backend.find(question))
        if job.is_open and backend.submits:
            try:
                job = _fetched(ledger, job, cast(Queue, backend.machine()))
            except BackendError as error:
                raise JobPendingError(
                    f"job {job.job or job.tag} cannot be collected now: {error}; nothing is lost, "
                    "try later: qfl fetch"
                ) from None
        if job.state == "fetched":
            self.answered.append(job)
            return ledger.counts(job.key)[place]
        if job.state == "failed":
            raise JobFailedError(job.reason)
        if not job.job:
            raise JobPendingError(
                f"a job was about to be sent to {backend.name} when its process ended, and the "
                f"machine knows none with tag {job.tag}; if it stays so: qfl fetch --forget"
            )
        raise JobPendingError(f"job {job.job} waits at {backend.name}; collect it with: qfl fetch")


@dataclass(slots=True)
class Outbox:
    """Questions of one play that were not sent yet, by the circuit that they are about."""

    waiting: dict[str, tuple[LedgeredCompiled, int, list[Question]]] = field(default_factory=dict)

    def add(self, compiled: LedgeredCompiled, questions: Sequence[Question], shots: int) -> None:
        """Keep questions until `send`."""
        ansatz = compiled.ansatz
        about = request_id(ansatz, np.zeros((2, ansatz.depth)), shots)
        self.waiting.setdefault(about, (compiled, shots, []))[2].extend(questions)

    def send(self) -> bool:
        """Submit everything, one job per circuit where the machine allows; False for nothing."""
        found = list(self.waiting.values())
        self.waiting.clear()
        for compiled, shots, questions in found:
            compiled.backend.send(compiled.ansatz, questions, shots)
        return bool(found)


def through_ledger(
    solver: Any, folder: Path, cell: str, *, submits: bool = True, outbox: Outbox | None = None
) -> Any:
    """Return a solver whose machine, if it has a queue, is reached through the run's ledger.

    Args:
        solver: its `backend` is the machine, or wraps it.
        folder: of the run.
        cell: its id.
        submits: False answers from the ledger alone.
        outbox: see `Ledgered`.

    Raises:
        ConfigError: a machine is named where the ledger does not reach.
    """

    def behind(name: str, options: Mapping[str, Any]) -> Any:
        return Ledgered(name, dict(options), Ledger(folder), cell, submits, outbox)

    options = {each.name: getattr(solver, each.name) for each in fields(solver)}
    stray = sorted({key for key, _ in machines(options, has_queue)} - {"backend"})
    if stray:
        raise ConfigError(
            f"{', '.join(stray)} names a machine with a queue, where its jobs would be on no "
            "ledger; name it as the method's own `backend`, or there as what a mitigation wraps"
        )
    name = getattr(solver, "backend", None)
    found = _placed(name, solver.backend_options, behind) if isinstance(name, str) else None
    return solver if found is None else replace(solver, backend=found, backend_options={})


def _placed(
    name: str, options: Mapping[str, Any], behind: Callable[[str, Mapping[str, Any]], Any]
) -> Any:
    """Return the backend with its innermost machine put behind a ledger; None without a queue."""
    if has_queue(name, options):
        return behind(name, options)
    inner = options.get("backend")
    if name not in WRAPPERS or not isinstance(inner, str):
        return None
    machine = _placed(inner, options.get("backend_options", {}), behind)
    if machine is None:
        return None
    return get_backend(name, **{**options, "backend": machine, "backend_options": {}})


def machines(
    settings: Mapping[str, Any], wanted: Callable[[str, Mapping[str, Any]], bool]
) -> Iterator[tuple[str, str]]:
    """Yield (dotted key, backend) wherever a solver's options name a wanted one, wrapped or not.

    >>> list(machines({"slots": {"backend": "ibm:ibm_boston"}}, has_queue))
    [('slots.backend', 'ibm:ibm_boston')]
    """
    for key, value in settings.items():
        if isinstance(value, str) and key.endswith("backend"):
            name, options = innermost(value, settings.get(f"{key}_options", {}))
            if wanted(name, options):
                yield key, name
        elif isinstance(value, Mapping) and not key.endswith("backend_options"):
            yield from ((f"{key}.{below}", name) for below, name in machines(value, wanted))
