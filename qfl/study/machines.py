"""Machines with a queue, as a study reaches them: every question goes through the run's ledger.

A question that was asked before is answered from the ledger, whichever process asked. New ones are
sent as `outbox` says: intent, submission, and the promise to be collected later. That holds under
mitigation too: the ledger stands between the wrapper and the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import WRAPPERS, get_backend, has_queue, innermost
from qfl.backends.gates import angle_rows
from qfl.backends.jobs import Queue
from qfl.backends.practice import practised
from qfl.core.cell import Cell
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import (
    BackendError,
    ConfigError,
    JobFailedError,
    JobPendingError,
    JobRefusedError,
)
from qfl.core.ports import Backend, Capabilities
from qfl.study.fetching import fetched
from qfl.study.ledger import Asked, Job, Ledger
from qfl.study.outbox import Question, send


@dataclass(frozen=True, slots=True)
class Ledgered:
    """A machine behind the ledger of a run: asked the same twice, it sends one job.

    Attributes:
        name, options: of the machine, as `get_backend` takes them.
        ledger, cell: where jobs are noted, and for whom.
        submits: False answers from the ledger alone.
        outbox: where new questions wait for others to travel with; None sends at once.
        asked: how often each request came, which tells repeated questions apart.
    """

    name: str
    options: Mapping[str, Any]
    ledger: Ledger
    cell: str
    submits: bool = True
    outbox: list[Question] | None = None
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

    def send(self, questions: Sequence[Question]) -> None:
        """Submit questions, or leave them in the outbox.

        Raises:
            BackendError: this ledger only answers.
            JobRefusedError: the machine did not take a job; those before it are noted.
            JobPendingError: they are in the outbox, or nobody knows whether they were taken.
        """
        if not self.submits:
            raise BackendError(
                f"cell {self.cell[:12]} asks {self.name} what the ledger of {self.ledger.folder} "
                "does not answer; was it played by other code?"
            )
        if self.outbox is not None:
            self.outbox.extend(questions)
            raise JobPendingError(f"{len(questions)} circuits wait to be sent to {self.name}")
        for error in send(self.ledger, questions).values():
            raise error


@dataclass(frozen=True, slots=True, eq=False)
class LedgeredCompiled:
    """One ansatz whose samples are jobs of the ledger; `answered` are those of this play."""

    backend: Ledgered
    ansatz: QaoaAnsatz
    answered: list[tuple[Job, Asked]] = field(default_factory=list)

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
        if not self.answered:
            return None
        _, asked = self.answered[-1]
        return self.backend.ledger.placement(asked).readouts

    def execution(self) -> Execution | None:
        """Return how the last answer was measured, its share of the job's time; None before it.

        Seconds that the machine did not report are 0; the ledger tells them from none.
        """
        if not self.answered:
            return None
        (job, asked), ledger = self.answered[-1], self.backend.ledger
        names = asked.calibration, job.calibrated.get(asked.calibration)
        records = tuple(ledger.calibration(name) for name in names if name)
        return Execution(
            calibrations=records,
            qubits=len(records[0]["qubits"]) if asked.measured and records else self.ansatz.n,
            depth=asked.depth,
            two_qubit_gates=asked.two_qubit_gates,
            mitigation=practised(self.backend.options),
            queue_seconds=job.queue_seconds or 0.0,
            qpu_seconds=(job.qpu_seconds or 0.0) / job.circuits,
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
        if new:
            self.backend.send(new)
        return tuple(self._answer(question) for question in questions)

    def _question(self, angles: NDArray[np.float64], shots: int) -> Question:
        backend = self.backend
        asked = partial(
            Question, backend.cell, backend.name, backend.options, self.ansatz, angles, shots
        )
        request = asked().request
        times = backend.asked[request]
        backend.asked[request] += 1
        return asked(times)

    def _answer(self, question: Question) -> Counts:
        backend, ledger = self.backend, self.backend.ledger
        job, place = cast(tuple[Job, int], backend.find(question))
        if job.is_open and backend.submits:
            try:
                job = fetched(ledger, job, cast(Queue, backend.machine()))
            except JobPendingError:  # a doubt, which says how it ends
                raise
            except BackendError as error:
                raise JobPendingError(
                    f"job {job.job or job.tag} cannot be collected now: {error}; nothing is lost, "
                    "try later: qfl fetch"
                ) from None
        if job.state == "fetched":
            self.answered.append((job, job.asked[place]))
            return ledger.counts(job.key)[place]
        if job.state == "failed":
            raise JobFailedError(
                f"{job.reason}; the next run sends it again if you give it up: qfl fetch --forget "
                f"{job.undone_by}"
            )
        if job.state == "refused":
            raise JobRefusedError(job.reason)
        if not job.job:
            raise JobPendingError(
                f"a job was about to be sent to {backend.name} when its process or the connection "
                f"ended: {job.reason or 'qfl fetch says what is known'}"
            )
        raise JobPendingError(f"job {job.job} waits at {backend.name}; collect it with: qfl fetch")


def can_share(cell: Cell) -> bool:
    """Return True for a decision on a machine with a queue: what it asks is known before it ends.

    The rounds of a federation depend on each other, so each of them is a job of its own.
    """
    name, options = cell.solver.get("backend", ""), cell.solver.get("backend_options", {})
    return bool(cell.decision) and has_queue(*innermost(name, options))


def through_ledger(
    solver: Any,
    folder: Path,
    cell: str,
    *,
    submits: bool = True,
    outbox: list[Question] | None = None,
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
            "ledger; name it as the method's own `backend`, or there as what a mitigation wraps; a "
            "qiskit: device that runs here takes backend_options = { untracked = true }"
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
