"""IBM's machines behind the backend port, in two steps: submit, and collect from any process.

The connection is that of `account`. Circuits go through the executor primitive, through the older
one where that is missing. Nothing is submitted twice by this file: the ledger of a study decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime.exceptions import RuntimeJobTimeoutError

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz
from circuits.spec import CircuitSpec
from qfl.backends import calibration
from qfl.backends.account import NotThereError, plain_words, service
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    NATIVE_MIXERS,
    angle_row,
    angle_rows,
    lowered,
    sampled_only,
)
from qfl.backends.jobs import Collected, Part, Placement, check_whole, undamaged
from qfl.backends.placement import Layout, Placed, place
from qfl.backends.practice import Decoupling, check_decoupling
from qfl.backends.qiskit import bound, counted
from qfl.core.counts import Counts
from qfl.core.errors import (
    BackendError,
    ConfigError,
    JobFailedError,
    JobPendingError,
)
from qfl.core.ports import Capabilities

Primitive = Literal["executor", "sampler"]

TWIRLING_FRAMES = 32
"""Enough to average over, as in the vendor's own choice for 2,048 shots and more."""

_ENDED = ("DONE", "ERROR", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Ibm:
    """A machine of IBM's cloud; constructing it configures it and connects to nothing.

    Attributes:
        device: its name, such as "ibm_boston".
        level, transpiler_seed, noise_aware: see `placement.Layout`; errors are those of the moment.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        packed: order the commuting interactions of a cost so that they take few layers.
        line: send dense costs through a SWAP network instead of the router; for mixers "x" and
            "xy_trotter".
        dynamical_decoupling: pulses in idle time, "" for none.
        twirling: random Pauli frames around two-qubit gates and measurements; at least
            TWIRLING_FRAMES of them, as many shots in each.
        fractional_gates: use rzz and rx as the machine has them; not together with twirling.
        primitive: "executor", or the older "sampler".
        wait_seconds: how long `sample` waits before it says that the job is pending.
    """

    device: str
    level: int = 3
    transpiler_seed: int = 0
    noise_aware: bool = True
    trotter_steps: int | None = None
    packed: bool = True
    line: bool = False
    dynamical_decoupling: Decoupling = ""
    twirling: bool = False
    fractional_gates: bool = False
    primitive: Primitive = "executor"
    wait_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.twirling and self.fractional_gates:
            raise ConfigError("twirling does not work with fractional gates; choose one of the two")
        check_decoupling(self.dynamical_decoupling)
        if self.primitive not in get_args(Primitive):
            raise ConfigError(
                f"unknown primitive {self.primitive!r} of ibm; allowed: {get_args(Primitive)}"
            )
        if not 0 <= self.wait_seconds < math.inf:
            raise ConfigError(
                f"wait_seconds must be finite and at least 0, got {self.wait_seconds}"
            )
        self.layout()

    @property
    def name(self) -> str:
        """How studies name it."""
        return f"ibm:{self.device}"

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, without asking the cloud."""
        return Capabilities(self.name, exact=False, mixers=NATIVE_MIXERS, seeded=False)

    def compile(self, ansatz: QaoaAnsatz) -> IbmCompiled:
        """Return the ansatz placed on the machine as it is calibrated now.

        Raises:
            BackendError: no credentials, an unknown or offline device, or an ansatz with no
                circuit.
            CapacityError: the device has too few qubits.
        """
        spec = self.lowered(ansatz)
        device = self._device()
        with plain_words(self.name):
            if not device.status().operational:
                raise BackendError(f"{self.name} is offline now; submit later, or choose another")
        placed = place(to_qiskit(spec), device, self.layout())
        return IbmCompiled(self, ansatz, spec, device, placed)

    def submit(self, parts: Sequence[Part], shots: int, *, tag: str) -> str:
        """Return the id of the accepted job, a PUB for each ansatz; see `jobs.Queue`."""
        check_shots(shots)
        pubs = [pub for compiled, angles in parts for pub in compiled.pubs(angles)]
        with plain_words(self.name):
            job = _sampler(self, parts[0][0].device, tag, shots).run(pubs, shots=shots)
        return str(job.job_id())

    def find(self, tag: str) -> tuple[str, ...]:
        """Return the ids of the jobs that carry `tag`: several if the client sent it again."""
        with plain_words(self.name):
            jobs = service().jobs(job_tags=[tag], backend_name=self.device, descending=False)
        return tuple(str(job.job_id()) for job in jobs if tag in job.tags)

    def cancel(self, job: str) -> None:
        """Give up a job; see `jobs.Queue`."""
        with plain_words(self.name):
            service().job(job).cancel()

    def spent(self, job: str) -> float | None:
        """Return the seconds that are charged for a job; see `jobs.Queue`."""
        with plain_words(self.name):
            found = service().job(job)
            if found.status() not in _ENDED:
                raise JobPendingError(f"job {job} has not ended")
        return _usage(self._told("metrics", found.metrics, {})[0])

    def collect(self, job: str, calibrated: Sequence[Mapping[str, Any]] = ()) -> Collected | None:
        """Return what a job measured, None while it waits or runs; see `jobs.Queue`."""
        with plain_words(self.name):
            found = service().job(job)
            status = found.status()
            if status not in _ENDED:
                return None
            if status != "DONE":
                reason = " ".join((found.error_message() or "no reason given").split())
                raise JobFailedError(f"job {job} on {self.name} ended as {status}: {reason}")
            published = undamaged(partial(_result, found), job)
        counts = tuple(
            each
            for pub in published
            for each in counted(pub, int(np.prod(pub.data.c.shape, dtype=int)))
        )
        metrics, silent = self._told("metrics", found.metrics, {})
        now, blind = self._told("calibration", partial(self._again, calibrated), ())
        usage, queued = _usage(metrics), _queue_seconds(metrics)
        remark = "; ".join(filter(None, (silent, blind)))
        return Collected(counts, usage, queued, now, remark)

    def lowered(self, ansatz: QaoaAnsatz) -> CircuitSpec:
        """Return the circuit of an ansatz before it is placed.

        Raises:
            BackendError: it has none.
        """
        steps = self.trotter_steps
        return lowered(self.name, ansatz, steps, line=self.line, packed=self.packed)

    def layout(self) -> Layout:
        """Return how circuits are placed."""
        return Layout(self.level, self.transpiler_seed, self.noise_aware)

    def _told(self, what: str, ask: Callable[[], Any], otherwise: Any) -> tuple[Any, str]:
        """Return what the cloud says beside a result; else, if it says that it has none, why.

        Raises:
            BackendError: it cannot be asked now; the job stays open and is collected later.
        """
        try:
            with plain_words(self.name):
                return ask() or otherwise, ""
        except NotThereError as error:
            return otherwise, f"no {what}: {error}"

    def _again(self, calibrated: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
        """Return what the device reports now about the qubits of earlier records."""
        device = self._device() if calibrated else None
        earlier = map(calibration.Calibration.from_dict, calibrated)
        return tuple(calibration.again(device, each).to_dict() for each in earlier)

    def _device(self) -> Any:
        with plain_words(self.name):
            return service().backend(self.device, use_fractional_gates=self.fractional_gates)


@dataclass(frozen=True, slots=True, eq=False)
class IbmCompiled:
    """One ansatz placed on one machine."""

    backend: Ibm
    ansatz: QaoaAnsatz
    spec: CircuitSpec
    device: Any
    placed: Placed

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Refuse: a machine samples.

        Raises:
            BackendError: always; it says what to do.
        """
        raise sampled_only(self.backend.name)

    def placement(self) -> Placement:
        """Return the qubits as they are calibrated now, and the size of the circuit."""
        with plain_words(self.backend.name):
            now = calibration.calibration(self.device, self.placed).to_dict()
        placed = self.placed
        measured = tuple(placed.qubits[place] for place in placed.measured)
        return Placement(now, placed.two_qubit_gates, placed.depth, measured)

    @property
    def readouts(self) -> NDArray[np.float64] | None:
        """How variable k is read now, (n, 2, 2); None if the machine does not say."""
        return self.placement().readouts

    def submit(self, angles: ArrayLike, shots: int, *, tag: str) -> str:
        """Return the id of the accepted job: `shots` at each angle set of (..., 2, p)."""
        return self.backend.submit([(self, np.asarray(angles))], shots, tag=tag)

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set, if the machine is done in time.

        Use the ledger of a study where jobs cost money: it remembers what was submitted.

        Raises:
            JobPendingError: it is not; the message has the job's id.
        """
        tag = f"qfl-{rng.integers(2**63):016x}"
        row = angle_row(self.ansatz, angles).reshape(2, -1)
        job = self.submit(row, shots, tag=tag)
        with plain_words(self.backend.name):
            _wait(job, self.backend.wait_seconds)
        collected = self.backend.collect(job)
        if collected is None:
            raise JobPendingError(f"job {job} waits at {self.backend.name}")
        check_whole(collected.counts, job, circuits=1, shots=shots)
        return collected.counts[0]

    def pubs(self, angles: ArrayLike) -> list[Any]:
        """Return one PUB for all angles; fractional gates need angles that are known and folded.

        Folding happens on the qubits that were placed, which calibration and readout are about.
        """
        rows, _ = angle_rows(self.ansatz, angles)
        circuit, values = bound(self.placed, self.spec.parameters, rows)
        if not self.backend.fractional_gates:
            return [(circuit, values)]
        here = list(range(circuit.num_qubits))
        fold = generate_preset_pass_manager(1, backend=self.device, initial_layout=here)
        return [(fold.run(circuit.assign_parameters(row)),) for row in values]


def _wait(job: str, seconds: float) -> None:
    """Wait until a job has ended, `seconds` at most."""
    with suppress(RuntimeJobTimeoutError):
        service().job(job).wait_for_final_state(timeout=seconds)


def frames(shots: int) -> int:
    """Return how many Pauli frames share `shots` evenly, so that exactly so many are measured.

    Left to choose, the vendor's client rounds 1,000 shots up to 1,024 and 10 to 64.

    >>> frames(1024), frames(1000), frames(10)
    (32, 40, 10)
    """
    fewest = min(TWIRLING_FRAMES, shots)
    return next(number for number in range(fewest, shots + 1) if shots % number == 0)


def _sampler(backend: Ibm, device: Any, tag: str, shots: int) -> Any:
    """Return the executor's sampler, or the older one, with options that both understand."""
    if backend.primitive == "executor" and find_spec("qiskit_ibm_runtime.executor_sampler"):
        from qiskit_ibm_runtime.executor_sampler import Sampler
    else:
        from qiskit_ibm_runtime import SamplerV2 as Sampler
    sampler = Sampler(mode=device)
    options = sampler.options
    options.environment.job_tags = [tag]
    options.twirling.enable_gates = options.twirling.enable_measure = backend.twirling
    if backend.twirling:
        options.twirling.num_randomizations = frames(shots)
        options.twirling.shots_per_randomization = shots // frames(shots)
    options.dynamical_decoupling.enable = bool(backend.dynamical_decoupling)
    if backend.dynamical_decoupling:
        options.dynamical_decoupling.sequence_type = backend.dynamical_decoupling
    return sampler


def _result(found: Any) -> Any:
    """Return the published result of a job that is done.

    Raises:
        ValueError, TypeError, KeyError: it is damaged.
    """
    published = found.result()
    if published is None:
        raise ValueError("empty")
    return published


def _usage(metrics: Mapping[str, Any]) -> float | None:
    """Return the seconds that are charged, None if they are not reported."""
    usage = metrics.get("usage") or {}
    charged = usage.get("qpu_charge_time_seconds", usage.get("quantum_seconds"))
    return None if charged is None else float(charged)


def _queue_seconds(metrics: Mapping[str, Any]) -> float | None:
    """Return the time from creation to the start of the run, None if it is not reported."""
    times = metrics.get("timestamps") or {}
    try:
        created, running = (datetime.fromisoformat(times[key]) for key in ("created", "running"))
        return max(0.0, (running - created).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
