"""Sampling as a job: what is asked, what comes back, and both as text. No framework here.

A job is one ansatz or several, each at one or many angle sets. The request id of a circuit depends
on nothing else but the shots, so that counts can be found again by whoever asks the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.counts import Counts
from qfl.core.errors import JobDamagedError

_DIGITS = 10
"""Decimal places of the numbers in a request id: the same question on another machine."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How an ansatz lies on a machine, known before anything is submitted.

    Attributes:
        calibration: the qubits it will use, as `Calibration.to_dict`.
        two_qubit_gates, depth: of one circuit after transpilation.
        measured: the device's number of the qubit that is variable k; empty if not known.
    """

    calibration: Mapping[str, Any]
    two_qubit_gates: int
    depth: int
    measured: tuple[int, ...] = ()

    @property
    def readouts(self) -> NDArray[np.float64] | None:
        """How variable k is read, (n, 2, 2): entry (k, i, j) reads i where j was; None if unknown.

        >>> qubit = {"qubit": 7, "read_1_given_0": 0.25, "read_0_given_1": 0.5}
        >>> Placement({"qubits": [qubit]}, 0, 0, (7,)).readouts.tolist()
        [[[0.75, 0.5], [0.25, 0.5]]]
        """
        known = {each["qubit"]: each for each in self.calibration.get("qubits", ())}
        if not self.measured or not known.keys() >= set(self.measured):
            return None
        given = [
            (known[qubit]["read_1_given_0"], known[qubit]["read_0_given_1"])
            for qubit in self.measured
        ]
        if any(each is None for pair in given for each in pair):
            return None
        return np.array([[[1 - up, down], [up, 1 - down]] for up, down in given])


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What a machine returned for a job.

    Attributes:
        counts: of every angle set, in order, as measured.
        qpu_seconds, queue_seconds: that the machine reports; None where it does not.
        calibrations: of the same qubits as at submission, at collection, in the order asked for;
            empty if they cannot be read.
        remark: why something beside the counts is missing, "" if nothing is.
        names: of the circuits, where the machine returns them; empty where it does not.
    """

    counts: tuple[Counts, ...]
    qpu_seconds: float | None
    queue_seconds: float | None
    calibrations: tuple[Mapping[str, Any], ...] = ()
    remark: str = ""
    names: tuple[str, ...] = ()


class Queued(Protocol):
    """A compiled ansatz on a machine with a queue."""

    def placement(self) -> Placement:
        """Return where it will run."""
        ...


Part = tuple[Any, NDArray[np.float64]]
"""A `Queued` and angle sets (..., 2, p): circuits that are alike but for their angles."""


class Queue(Protocol):
    """A machine that works on jobs while nobody waits."""

    def submit(self, parts: Sequence[Part], shots: int, *, tag: str) -> str:
        """Return the id of one job for all circuits, `shots` each; `tag` finds it again.

        Raises:
            JobRefusedError: the machine did not take it, and why.
            BackendError: it is not known whether the machine took it; `find` tells.
        """
        ...

    def find(self, tag: str) -> tuple[str, ...] | None:
        """Return the ids of the jobs that carry `tag`, the oldest first; None if it keeps none."""
        ...

    def cancel(self, job: str) -> None:
        """Give up a job.

        Raises:
            BackendError: it has ended already, or nobody knows.
        """
        ...

    def spent(self, job: str) -> float | None:
        """Return the QPU seconds of a job however it ended, None if the machine does not say.

        Raises:
            JobPendingError: it has not ended.
            BackendError: the machine cannot be asked now.
        """
        ...

    def collect(self, job: str, calibrated: Sequence[Mapping[str, Any]] = ()) -> Collected | None:
        """Return what a job measured, None while it waits or runs.

        Args:
            job: the machine's id.
            calibrated: from `Placement`; says whose qubits to read again.

        Raises:
            JobFailedError: it failed or was cancelled.
            JobDamagedError: its result did not arrive whole.
            BackendError: the machine cannot be asked now.
        """
        ...


def undamaged(read: Callable[[], Any], job: str) -> Any:
    """Return what `read` makes of the vendor's answer about a finished job.

    Args:
        read: raises ValueError, TypeError or KeyError where the answer is cut off or empty.
        job: the machine's id, for the message.

    Raises:
        JobDamagedError: it arrived damaged. The job is not lost: vendors keep their results.

    >>> undamaged(lambda: {"00": 7}["00"], "job-1")
    7
    """
    try:
        return read()
    except (ValueError, TypeError, KeyError) as error:
        raise JobDamagedError(
            f"the result of job {job} arrived damaged; fetch again, its vendor keeps it"
        ) from error


def check_whole(counts: Sequence[Counts], job: str, *, circuits: int, shots: int) -> None:
    """Do nothing if a job returned what was asked: every circuit, every shot.

    Raises:
        JobDamagedError: it did not, for instance because its result was cut off on the way.

    >>> check_whole([Counts.of([[0, 1]])], "job-1", circuits=1, shots=1)
    """
    wrong = [each.total for each in counts if each.total != shots]
    if len(counts) == circuits and not wrong:
        return
    found = f"{wrong[0]} of {shots} shots" if wrong else f"{len(counts)} of {circuits} circuits"
    raise JobDamagedError(
        f"the result of job {job} holds {found}; fetch again, its vendor keeps it, or give it up: "
        f"qfl fetch --forget {job}"
    )


def request_id(ansatz: QaoaAnsatz, angles: ArrayLike, shots: int) -> str:
    """Return the sha256 of one question: an ansatz, its angles and how many shots.

    >>> ansatz = QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1)
    >>> request_id(ansatz, [[0.1], [0.2]], 10) == request_id(ansatz, [[0.1], [0.2]], 20)
    False
    """
    start = None if ansatz.initial is None else np.asarray(ansatz.initial).view(np.float64)
    asked = {
        "cost": [_plain(each) for each in (ansatz.constant, ansatz.linear, ansatz.quadratic)],
        "mixer": ansatz.mixer,
        "blocks": [[list(variables), ones] for variables, ones in ansatz.blocks],
        "initial": None if start is None else _plain(start),
        "bias": None if ansatz.bias is None else _plain(ansatz.bias),
        "angles": _plain(angles),
        "shots": shots,
    }
    if ansatz.order is not None:  # the mixer's own leaves the id as it was before there were others
        asked["order"] = [sorted(pair) for pair in ansatz.order]
    return sha256_hex(canonical_json(asked).encode())


def written(counts: Counts) -> dict[str, int]:
    """Return counts as JSON types: one character per variable, variable 0 first.

    >>> written(Counts.of([[0, 1, 1], [0, 1, 1]]))
    {'011': 2}
    """
    keys = ("".join(map(str, state)) for state in counts.states.tolist())
    return dict(zip(keys, counts.shots.tolist(), strict=True))


def read(record: Mapping[str, int]) -> Counts:
    """Return the counts that `written` wrote.

    >>> read({"011": 2}).total
    2
    """
    return Counts.of([[int(bit) for bit in key] for key in record], list(record.values()))


def _plain(values: ArrayLike) -> Any:
    rounded = np.round(np.asarray(values, dtype=np.float64), _DIGITS)
    return (rounded + 0.0).tolist()  # no minus zero
