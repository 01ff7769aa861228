"""Amazon Braket behind the backend port: its local simulator, and machines of its cloud.

"braket:local" needs no account. "braket:ARN" works in two steps, submit and collect; credentials
come from the vendor's own files and environment variables and from nowhere else. A task is one
circuit. The service chooses the qubits, so a calibration covers the whole device.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import numpy as np
from braket.devices import LocalSimulator
from numpy.typing import ArrayLike, NDArray

from circuits.lowering.braket import to_braket
from circuits.qaoa import QaoaAnsatz
from circuits.spec import CircuitSpec
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    NATIVE_MIXERS,
    allowed,
    angle_row,
    angle_rows,
    bits,
    costs,
    drawn,
    lowered,
    sampled_only,
    too_few,
)
from qfl.backends.jobs import Collected, Part, Placement, check_whole
from qfl.core.counts import Counts
from qfl.core.errors import (
    ConfigError,
    JobFailedError,
    JobPendingError,
    JobRefusedError,
)
from qfl.core.ports import Capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOCAL = "local"
TAG = "qfl"
"""Key of the tag that a task carries."""

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Braket:
    """A machine of Amazon Braket; constructing it configures it and connects to nothing.

    Attributes:
        device: its ARN, or "local" for the simulator that comes with the SDK.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        results: "s3://bucket/folder" for what a machine measures; "" for the vendor's default:
            AMZN_BRAKET_TASK_RESULTS_S3_URI, else a bucket of the account.
        wait_seconds: how long `sample` waits before it says that the job is pending.

    >>> Braket("local").name
    'braket:local'
    """

    device: str
    trotter_steps: int | None = None
    results: str = ""
    wait_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.device != LOCAL and len(self.device.split(":")) < 6:
            raise ConfigError(
                f"braket takes 'local' or the ARN of a device, such as "
                f"arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet; got {self.device!r}"
            )
        if self.results and not self.results.startswith("s3://"):
            raise ConfigError(f"results must be s3://bucket/folder, got {self.results!r}")

    @property
    def name(self) -> str:
        """How studies name it."""
        return f"braket:{self.device}"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, without asking the cloud."""
        if self.device != LOCAL:
            return Capabilities(self.name, exact=False, mixers=NATIVE_MIXERS, seeded=False)
        most = int(_simulator().properties.paradigm.qubitCount)
        return Capabilities(self.name, exact=False, mixers=NATIVE_MIXERS, max_qubits=most)

    def compile(self, ansatz: QaoaAnsatz) -> LocallyCompiled | BraketCompiled:
        """Return the ansatz as a Braket circuit, in the gates of its device.

        Raises:
            BackendError: no credentials, an unknown or offline device, or an ansatz with no
                circuit.
            CapacityError: too many qubits.
        """
        spec = lowered(self.name, ansatz, self.trotter_steps)
        if self.device == LOCAL:
            self._check_size(ansatz.n, self.capabilities.max_qubits)
            return LocallyCompiled(ansatz, spec)
        from qfl.backends import amazon

        device = amazon.opened(self.device)
        if device.status != "ONLINE":
            raise JobRefusedError(f"{self.name} is offline now; submit later, or choose another")
        self._check_size(ansatz.n, amazon.qubits(device))
        return BraketCompiled(self, ansatz, spec, device)

    def submit(self, parts: Sequence[Part], shots: int, *, tag: str) -> str:
        """Return the ARN of the accepted task of one circuit; see `jobs.Queue`."""
        from qfl.backends import amazon

        check_shots(shots)
        (compiled, angles), *more = parts
        rows, _ = angle_rows(compiled.ansatz, angles)
        if more or len(rows) != 1:
            raise JobRefusedError(
                f"a task of Braket holds one circuit, got {len(parts)} with {len(rows)} angle sets"
            )
        circuit = to_braket(compiled.spec.bind(rows[0]), gates=amazon.gates(compiled.device))
        return amazon.create(compiled.device, circuit, shots, {TAG: tag}, self.results)

    def find(self, tag: str) -> tuple[str, ...]:
        """Return the ARN of the task that carries `tag`; the client never creates two."""
        from qfl.backends import amazon

        return amazon.tagged(self.device, TAG, tag)

    def cancel(self, job: str) -> None:
        """Give up a task; see `jobs.Queue`."""
        from qfl.backends import amazon

        amazon.cancel(self.name, job)

    def spent(self, job: str) -> None:
        """Return None: machines of Braket charge by task and shot; see `jobs.Queue`."""
        from qfl.backends import amazon

        if amazon.task(self.name, job)["status"] not in ("COMPLETED", "FAILED", "CANCELLED"):
            raise JobPendingError(f"task {job} has not ended")
        return None

    def collect(self, job: str, calibrated: Sequence[Mapping[str, Any]] = ()) -> Collected | None:
        """Return what a task measured, None while it waits or runs; see `jobs.Queue`."""
        from qfl.backends import amazon

        task = amazon.task(self.name, job)
        if task["status"] in ("FAILED", "CANCELLED"):
            reason = " ".join(str(task.get("failureReason", "no reason given")).split())
            raise JobFailedError(f"task {job} on {self.name} ended as {task['status']}: {reason}")
        if task["status"] != "COMPLETED":
            return None
        result = amazon.result(self.name, job)
        columns = np.argsort(result.measured_qubits)
        counts = Counts.of(np.asarray(result.measurements)[:, columns])
        opened = amazon.opened(self.device) if calibrated else None
        now = tuple(amazon.calibrated(opened).to_dict() for _ in calibrated)
        ran, lasted = amazon.simulator_seconds(result), amazon.lifetime(task)
        if ran is None:  # no machine of Braket says when it began
            remark = f"{lasted:g} s from creation to end, queue and run together" if lasted else ""
            return Collected((counts,), None, None, now, remark)
        return Collected((counts,), ran, max(0.0, lasted - ran), now)

    def _check_size(self, n: int, most: int | None) -> None:
        if most is not None and n > most:
            raise too_few(self.name, most, n)


@dataclass(frozen=True)
class LocallyCompiled:
    """One circuit on the SDK's state-vector simulator, which has no seed: `rng` draws."""

    ansatz: QaoaAnsatz
    spec: CircuitSpec

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the exact mean cost, from the probabilities of all states."""
        rows, shape = angle_rows(self.ansatz, angles)
        return np.reshape([self._probabilities(row) @ self._costs for row in rows], shape)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the states that the ansatz allows and their probabilities at one angle set."""
        (row,) = angle_row(self.ansatz, angles)
        index = allowed(self.ansatz)
        return bits(index, self.ansatz.n), self._probabilities(row)[index]

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set."""
        (row,) = angle_row(self.ansatz, angles)
        return drawn(self._probabilities(row), shots, rng)

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return costs(self.ansatz)

    @cached_property
    def _circuit(self) -> Any:
        """The circuit that lists probabilities; Braket's first target is the most significant."""
        return to_braket(self.spec).probability(target=range(self.ansatz.n - 1, -1, -1))

    def _probabilities(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities (2^n,) at one angle set (2p,)."""
        inputs = dict(zip(self.spec.parameters, row.tolist(), strict=True))
        result = _simulator().run(self._circuit, shots=0, inputs=inputs).result()
        return np.asarray(result.values[0], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class BraketCompiled:
    """One ansatz for one machine, which the service lays out when a task runs."""

    backend: Braket
    ansatz: QaoaAnsatz
    spec: CircuitSpec
    device: Any

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Refuse: a machine samples.

        Raises:
            BackendError: always; it says what to do.
        """
        raise sampled_only(self.backend.name)

    def placement(self) -> Placement:
        """Return the device as it is calibrated now, and the size of the circuit as it is sent."""
        from qfl.backends import amazon

        now, needs = amazon.calibrated(self.device), self.spec.resources()
        return Placement(now.to_dict(), needs.two_qubit_gates, needs.depth)

    def submit(self, angles: ArrayLike, shots: int, *, tag: str) -> str:
        """Return the ARN of the accepted task: `shots` at one angle set, (2, p) or (1, 2, p)."""
        return self.backend.submit([(self, np.asarray(angles))], shots, tag=tag)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set, if the machine is done in time.

        Use the ledger of a study where jobs cost money: it remembers what was submitted.

        Raises:
            JobPendingError: it is not; the message has the task's ARN.
        """
        tag = f"qfl-{rng.integers(2**63):016x}"
        job = self.submit(angle_row(self.ansatz, angles).reshape(2, -1), shots, tag=tag)
        until = monotonic() + self.backend.wait_seconds
        while (collected := self.backend.collect(job)) is None:
            if monotonic() >= until:
                raise JobPendingError(f"job {job} waits at {self.backend.name}")
            sleep(min(_POLL_SECONDS, max(0.0, until - monotonic())))
        check_whole(collected.counts, job, circuits=1, shots=shots)
        return collected.counts[0]


def _simulator() -> Any:
    """Return the SDK's local state-vector simulator."""
    return LocalSimulator("braket_sv")
