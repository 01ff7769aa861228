"""Machines with a queue, as a study reaches them: every question goes through the run's ledger.

A question that was asked before is answered from the ledger, whichever process asked. A new one
becomes one job: intent, submission, and the promise to be collected later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import QUEUED, get_backend
from qfl.backends.jobs import Queue, Queued, request_id
from qfl.core.arrays import sha256_hex
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, JobFailedError, JobPendingError, JobRefusedError
from qfl.core.ports import Backend, Capabilities
from qfl.study.ledger import Job, Ledger


def fetch(ledger: Ledger, *, forget: bool = False) -> Iterator[Job]:
    """Yield every open job after asking its machine once; idempotent.

    Args:
        ledger: of the run.
        forget: give up failed jobs, and intents that their machine does not know: the next run
            sends them again.
    """
    for job in ledger.jobs().values():
        if job.state == "failed" and forget:
            ledger.note("forgotten", job.key)
            yield replace(job, state="forgotten")
        elif job.is_open:
            machine = cast(Queue, get_backend(job.backend, **job.options))
            yield _fetched(ledger, job, machine, forget=forget)


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
        asked: how often each request came, which tells repeated questions apart.
    """

    name: str
    options: Mapping[str, Any]
    ledger: Ledger
    cell: str
    submits: bool = True
    asked: dict[str, int] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class LedgeredCompiled:
    """One ansatz whose samples are jobs of the ledger."""

    backend: Ledgered
    ansatz: QaoaAnsatz

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Refuse: a machine samples.

        Raises:
            BackendError: always.
        """
        raise BackendError(
            f"{self.backend.name} only samples; choose angles elsewhere: training_backend = "
            "'subspace'"
        )

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return the counts if they are there; `rng` is not used, the machine draws.

        Raises:
            JobPendingError: the job waits; it was sent now or earlier, and never twice.
            JobFailedError: the machine gave it up.
        """
        backend, ledger = self.backend, self.backend.ledger
        request = request_id(self.ansatz, angles, shots)
        key = self._key(request)
        job = ledger.jobs().get(key)
        if job is None:
            job = self._send(key, request, np.asarray(angles, dtype=np.float64), shots)
        if job.is_open and backend.submits:
            job = _fetched(ledger, job, cast(Queue, backend.machine()))
        if job.state == "fetched":
            return ledger.counts(key)[0]
        if job.state == "failed":
            raise JobFailedError(job.reason)
        if not job.job:
            raise JobPendingError(
                f"a job was about to be sent to {backend.name} when its process ended, and the "
                f"machine knows none with tag {job.tag}; if it stays so: qfl fetch --forget"
            )
        raise JobPendingError(f"job {job.job} waits at {backend.name}; collect it with: qfl fetch")

    def _key(self, request: str) -> str:
        times = self.backend.asked.get(request, 0)
        self.backend.asked[request] = times + 1
        words = (self.backend.cell, self.backend.name, request, str(times))
        return sha256_hex(*(word.encode() for word in words))

    def _send(self, key: str, request: str, angles: NDArray[np.float64], shots: int) -> Job:
        backend, ledger = self.backend, self.backend.ledger
        if not backend.submits:
            raise BackendError(
                f"cell {backend.cell[:12]} asks {backend.name} what the ledger of "
                f"{ledger.folder} does not answer; was it played by other code?"
            )
        compiled = cast(Queued, backend.machine().compile(self.ansatz))
        job = Job(key, backend.cell, backend.name, backend.options, request, shots, circuits=1)
        ledger.note_intent(job, compiled.placement())
        try:
            number = compiled.submit(angles, shots, tag=job.tag)
        except JobRefusedError as error:
            ledger.note("refused", key, reason=str(error))
            raise
        ledger.note("submitted", key, job=number)
        return ledger.jobs()[key]


def through_ledger(solver: Any, folder: Path, cell: str, *, submits: bool = True) -> Any:
    """Return a solver whose machine, if it has a queue, is reached through the run's ledger."""
    name = getattr(solver, "backend", None)
    if not isinstance(name, str) or name.partition(":")[0] not in QUEUED:
        return solver
    options = dict(solver.backend_options)
    backend = Ledgered(name, options, Ledger(folder), cell, submits)
    return replace(solver, backend=backend, backend_options={})
