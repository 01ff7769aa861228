"""Circuits that wait to be sent, and how they travel: many cells, as few jobs as machines allow.

What is alike in machine, options and shots shares a job, in the order in which it was asked. The
ledger knows of a job before its machine does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.backends import circuits_per_job, get_backend
from qfl.backends.jobs import Placement, Queue, Queued, request_id
from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.errors import BackendError, JobPendingError, JobRefusedError, QflError
from qfl.study.ledger import Asked, Job, Ledger

T = TypeVar("T")
Ready = tuple["Question", Queued, Placement]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One circuit to sample on a machine with a queue.

    Attributes:
        cell: who asks.
        backend, options: whom, as `get_backend` takes them.
        ansatz, angles: what; angles are (2, p).
        shots: how often.
        times: how often the cell asked the same before.
    """

    cell: str
    backend: str
    options: Mapping[str, Any]
    ansatz: QaoaAnsatz
    angles: NDArray[np.float64]
    shots: int
    times: int = 0

    @property
    def request(self) -> str:
        """What the answer is filed under."""
        return request_id(self.ansatz, self.angles, self.shots)

    @property
    def circuit(self) -> str:
        """The same for questions that differ in their angles only."""
        return request_id(self.ansatz, 0 * self.angles, self.shots)


def company(name: str, options: Mapping[str, Any], shots: int) -> Hashable:
    """Return what is the same for circuits that may share a job: the machine as it is configured.

    Args:
        name, options: of the machine, as `get_backend` takes them; options may leave out defaults.
        shots: of each circuit.
    """
    try:
        return get_backend(name, **options), shots
    except QflError:  # whoever compiles there will hear why
        return name, canonical_json(dict(options)), shots


def send(ledger: Ledger, questions: Iterable[Question]) -> dict[str, QflError]:
    """Submit questions in as few jobs as their machines allow.

    Args:
        ledger: of the run.
        questions: none of them on the ledger.

    Returns:
        Why some cells must not be played now: their circuits have no place, were refused, or
        nobody knows whether they were taken.
    """
    unsent: dict[str, QflError] = {}
    for group in _grouped(questions, _company_of).values():
        ready = _placed(group, unsent)
        if not ready:
            continue
        most = circuits_per_job(group[0].backend, group[0].options, group[0].shots)
        for first in range(0, len(ready), most):
            try:
                _submit(ledger, ready[first : first + most])
            except BackendError as error:
                unsent |= {question.cell: error for question, *_ in ready[first:]}
                break
    return unsent


def _company_of(question: Question) -> Hashable:
    return company(question.backend, question.options, question.shots)


def _placed(questions: Sequence[Question], unsent: dict[str, QflError]) -> list[Ready]:
    """Return questions on their machine, like circuits side by side; note why others are not."""
    ready: list[Ready] = []
    for alike in _grouped(questions, lambda question: question.circuit).values():
        asked = alike[0]
        try:
            machine = get_backend(asked.backend, **asked.options)
            compiled = cast(Queued, machine.compile(asked.ansatz))
            placement = compiled.placement()
        except QflError as error:
            unsent |= {question.cell: error for question in alike}
        else:
            ready += [(question, compiled, placement) for question in alike]
    return [each for each in ready if each[0].cell not in unsent]


def _submit(ledger: Ledger, ready: Sequence[Ready]) -> None:
    """Send one job.

    Raises:
        JobRefusedError: its machine did not take it.
        JobPendingError: nobody knows.
    """
    asked = ready[0][0]
    words = [word for question, *_ in ready for word in (question.cell, question.request)]
    nonce = token_hex(16)  # names the job and nothing else: no number of the study depends on it
    key = sha256_hex(*(word.encode() for word in (asked.backend, *words, nonce)))
    circuits = tuple(
        Asked(
            cell=question.cell,
            request=question.request,
            calibration=ledger.keep(placement.calibration),
            two_qubit_gates=placement.two_qubit_gates,
            depth=placement.depth,
            measured=placement.measured,
            variables=question.ansatz.n,
        )
        for question, _, placement in ready
    )
    job = Job(key, asked.backend, asked.options, asked.shots, circuits, nonce=nonce)
    parts = [
        (alike[0][1], np.array([question.angles for question, *_ in alike]))
        for alike in _grouped(ready, lambda each: each[0].circuit).values()
    ]
    ledger.note_intent(job)
    machine = cast(Queue, get_backend(asked.backend, **asked.options))
    try:
        number = machine.submit(parts, asked.shots, tag=job.tag)
    except JobRefusedError as error:
        number = _arrived(ledger, machine, job, str(error))
        if not number:
            ledger.note("refused", key, reason=str(error))
            raise
    except BackendError as error:
        raise _unknown(job, error) from error
    ledger.note("submitted", key, job=number)


def _arrived(ledger: Ledger, machine: Queue, job: Job, refusal: str) -> str:
    """Return the id of a job that was taken before it was refused, "" if there is none.

    Clients send again by themselves after a server error; a refusal is the last answer alone.

    Raises:
        JobPendingError: the machine does not say; the refusal stands when it does.
    """
    try:
        return next(iter(machine.find(job.tag) or ()), "")
    except BackendError as error:
        ledger.note("doubted", job.key, reason=refusal)
        raise _unknown(job, error) from error


def _unknown(job: Job, error: BackendError) -> JobPendingError:
    return JobPendingError(
        f"it is not known whether {job.backend} took job {job.tag}: {error}; it is never "
        "sent twice; look for it with: qfl fetch"
    )


def _grouped(items: Iterable[T], kind: Callable[[T], Hashable]) -> dict[Hashable, list[T]]:
    """Return items by their kind, kinds and items in their order."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(kind(item), []).append(item)
    return found
