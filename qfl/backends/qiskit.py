"""Any qiskit BackendV2 behind the backend port: IonQ, IQM, Braket, a simulator, a colleague's own.

The ansatz is placed on the device once; angle sets are sampled through `BackendSamplerV2`, many in
one job. Such a device only samples, so its backend has no exact expectations. A study reaches what
is not known to run here in two steps, submit and collect, through its ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.primitives import BackendSamplerV2

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz
from circuits.spec import CircuitSpec
from qfl.backends import provider
from qfl.backends.calibration import Calibration, again, calibration, execution
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    NATIVE_MIXERS,
    angle_row,
    angle_rows,
    check_bound,
    lowered,
    mean_cost,
    sampled_only,
)
from qfl.backends.jobs import Collected, Part, Placement
from qfl.backends.placement import Layout, Placed, fold, place
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError
from qfl.core.ports import Capabilities
from qfl.core.rng import Streams


@dataclass(frozen=True, slots=True)
class QiskitDevice:
    """A BackendV2; constructing it configures it.

    Attributes:
        device: the object, or "module:attribute" of it or of what returns it when called.
        level, transpiler_seed, noise_aware: see `placement.Layout`.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        packed: order the commuting interactions of a cost so that they take few layers.
        line: send dense costs through a SWAP network instead of the router; for mixers "x" and
            "xy_trotter".
        mean_shots: behind every mean cost; None refuses to estimate one.
        untracked: a study waits for its counts and keeps no job id: what is interrupted is lost.
            For devices of your own that run here.

    >>> QiskitDevice("qiskit.providers.basic_provider:BasicSimulator").capabilities.exact
    False
    """

    device: Any
    level: int = 3
    transpiler_seed: int = 0
    noise_aware: bool = True
    trotter_steps: int | None = None
    packed: bool = True
    line: bool = False
    mean_shots: int | None = None
    untracked: bool = False

    def __post_init__(self) -> None:
        self._layout()

    def opened(self) -> Any:
        """Return the device itself.

        Raises:
            ConfigError, BackendError: see `provider.opened`.
        """
        return provider.opened(self.device)

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        device = self.opened()
        name = f"qiskit:{device.name}"
        return Capabilities(name, exact=False, mixers=NATIVE_MIXERS, max_qubits=device.num_qubits)

    def compile(self, ansatz: QaoaAnsatz) -> QiskitCompiled:
        """Return the ansatz placed on the device.

        Raises:
            BackendError: the ansatz has no circuit.
            CapacityError: the device has too few qubits.
        """
        device = self.opened()
        name, steps = f"qiskit:{device.name}", self.trotter_steps
        spec = lowered(name, ansatz, steps, line=self.line, packed=self.packed)
        placed = place(to_qiskit(spec), device, self._layout())
        return QiskitCompiled(device, ansatz, spec.parameters, placed, self.mean_shots)

    def run(self, circuit: CircuitSpec, *, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements of a circuit without parameters.

        Raises:
            BackendError: unbound parameters, or no shot.
            CapacityError: the device has too few qubits.
        """
        check_bound(circuit)
        device = self.opened()
        placed = place(to_qiskit(circuit), device, self._layout())
        return _sampled(device, placed, (), np.zeros((1, 0)), shots, rng)[0]

    def submit(self, parts: Sequence[Part], shots: int, *, tag: str) -> str:
        """Return the id of the accepted job; circuits are named by the tag, for people to see."""
        circuits = [circuit for compiled, angles in parts for circuit in compiled.circuits(angles)]
        for number, circuit in enumerate(circuits):
            circuit.name = f"{tag}-{number}"
        return provider.sent(self._name, parts[0][0].device, circuits, shots)

    def find(self, tag: str) -> None:
        """Return None: a BackendV2 cannot be asked by tag; see `jobs.Queue`."""
        return None

    def cancel(self, job: str) -> None:
        """Give up a job; see `jobs.Queue`."""
        with provider.plain_words(self._name):
            provider.retriever(self._name, self.opened())(job).cancel()

    def spent(self, job: str) -> None:
        """Return None: a BackendV2 does not say; see `jobs.Queue`."""
        return None

    def collect(self, job: str, calibrated: Sequence[Mapping[str, Any]] = ()) -> Collected | None:
        """Return what a job measured, None while it waits or runs; see `jobs.Queue`.

        A BackendV2 reports neither the seconds that it charges nor those in its queue.
        """
        device = self.opened()
        found = provider.counts_of(self._name, device, job)
        if found is None:
            return None
        counts, names = found
        now = tuple(again(device, Calibration.from_dict(each)).to_dict() for each in calibrated)
        silent = "its provider reports no seconds here"
        return Collected(counts, None, None, now, silent, names)

    @property
    def _name(self) -> str:
        return f"qiskit:{self.device}"

    def _layout(self) -> Layout:
        return Layout(self.level, self.transpiler_seed, self.noise_aware)


@dataclass(frozen=True, slots=True, eq=False)
class QiskitCompiled:
    """One placed ansatz on one device."""

    device: Any
    ansatz: QaoaAnsatz
    parameters: tuple[str, ...]
    placed: Placed
    mean_shots: int | None = None

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the mean cost of `mean_shots` samples per angle set, the same each time.

        Raises:
            BackendError: `mean_shots` was not given; it says what to do.
        """
        rows, shape = angle_rows(self.ansatz, angles)
        drawn = self._for_means(rows)
        return np.array([mean_cost(self.ansatz, counts) for counts in drawn]).reshape(shape)

    def read(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return how often each of the 2^n readings came in `mean_shots` samples, in basis order.

        Raises:
            BackendError: `mean_shots` was not given; it says what to do.
        """
        (counts,) = self._for_means(angle_row(self.ansatz, angles))
        seen = np.zeros(2**counts.n)
        seen[counts.states @ (1 << np.arange(counts.n))] = counts.shots / counts.total
        return seen

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set."""
        (counts,) = self.samples(angle_row(self.ansatz, angles).reshape(1, 2, -1), shots, rng)
        return counts

    def samples(
        self, angles: ArrayLike, shots: int, rng: np.random.Generator
    ) -> tuple[Counts, ...]:
        """Return `shots` measurements at each angle set of (..., 2, p), all from one job."""
        rows, _ = angle_rows(self.ansatz, angles)
        return _sampled(self.device, self.placed, self.parameters, rows, shots, rng)

    def folded(self, scale: int) -> QiskitCompiled:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number.

        Raises:
            BackendError: the device does not have the inverse of one of its gates.
        """
        circuit, known = fold(self.placed.circuit, scale), self.device.target.operation_names
        if strange := {step.operation.name for step in circuit.data} - {*known, "barrier"}:
            raise BackendError(
                f"qiskit:{self.device.name} has no {', '.join(sorted(strange))}, which undoes a "
                "gate of its own; without it circuits do not fold"
            )
        return replace(self, placed=replace(self.placed, circuit=circuit))

    @property
    def readouts(self) -> NDArray[np.float64] | None:
        """How variable k is read, (n, 2, 2); None if the device does not say."""
        placed = self.placed
        measured = tuple(placed.qubits[place] for place in placed.measured)
        return Placement(self.calibration().to_dict(), 0, 0, measured).readouts

    def placement(self) -> Placement:
        """Return where it will run.

        Raises:
            BackendError: its provider does not hand out jobs by their id.
        """
        placed = self.placed
        provider.retriever(f"qiskit:{self.device.name}", self.device)
        measured = tuple(placed.qubits[place] for place in placed.measured)
        now = self.calibration().to_dict()
        return Placement(now, placed.two_qubit_gates, placed.depth, measured)

    def circuits(self, angles: ArrayLike) -> list[Any]:
        """Return a circuit without parameters for each angle set of (..., 2, p)."""
        rows, _ = angle_rows(self.ansatz, angles)
        circuit, values = bound(self.placed, self.parameters, rows)
        return [circuit.assign_parameters(row) for row in values]

    def _for_means(self, rows: NDArray[np.float64]) -> tuple[Counts, ...]:
        """Return `mean_shots` samples at each row of angles, the same each time."""
        if self.mean_shots is None:
            raise sampled_only(f"qiskit:{self.device.name}")
        batch = rows.reshape(len(rows), 2, -1)
        return self.samples(batch, self.mean_shots, Streams(0)("shots"))

    def execution(self) -> Execution:
        """Return how it lies on the device."""
        return execution(self.device, self.placed)

    def calibration(self) -> Calibration:
        """Return what the device reports about the qubits it uses."""
        return calibration(self.device, self.placed)


def _sampled(
    device: Any,
    placed: Placed,
    names: tuple[str, ...],
    rows: NDArray[np.float64],
    shots: int,
    rng: np.random.Generator,
) -> tuple[Counts, ...]:
    """Return the counts of a placed circuit at every row of angles, from one job."""
    check_shots(shots)
    sampler = BackendSamplerV2(backend=device, options={"seed_simulator": int(rng.integers(2**31))})
    result = sampler.run([bound(placed, names, rows)], shots=shots).result()
    return counted(result[0], len(rows))


def bound(placed: Placed, names: tuple[str, ...], rows: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return a PUB: the circuit of a device, and values (m, parameters) in its own order."""
    column = {name: rows[:, k] for k, name in enumerate(names)}
    wanted = [column[parameter.name] for parameter in placed.circuit.parameters]
    values = np.stack(wanted, axis=1) if wanted else np.zeros((len(rows), 0))
    return placed.circuit, values


def counted(published: Any, circuits: int) -> tuple[Counts, ...]:
    """Return the counts of each angle set of one PUB result; register "c", bit k is variable k."""
    shots = published.data.c.to_bool_array(order="little")
    return tuple(Counts.of(each) for each in shots.reshape(circuits, -1, shots.shape[-1]))
