"""Qiskit Aer behind the backend port: ideal, with depolarising noise, or as a real device was.

The ansatz is lowered and compiled once; a batch of angles is bound to that circuit in one job.
`two_qubit_error` puts depolarising noise after every two-qubit gate of the circuit that really
runs. "aer:fake_NAME" runs the circuit transpiled to that device under the noise of its snapshot.
Only adapters and lowerings import Qiskit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from circuits.basis import to_basis
from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, ising
from circuits.spec import Basis, CircuitSpec, Structure, structure
from qfl.backends import snapshots
from qfl.backends.calibration import Calibration, calibration, execution
from qfl.backends.gates import (
    NATIVE_MIXERS,
    allowed,
    angle_row,
    angle_rows,
    bits,
    check_bound,
    check_shots,
    costs,
    lowered,
    tensored,
    too_few,
)
from qfl.backends.placement import Placed, fold
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.core.ports import Capabilities

Method = Literal["statevector", "density_matrix", "matrix_product_state"]
METHODS = get_args(Method)
_PARAMETER_PER_ERROR = 4 / 3  # depolarizing_error(p, 2) has average fidelity 1 - 3p/4


@dataclass(frozen=True, slots=True)
class Aer:
    """Qiskit Aer; constructing it configures it.

    Attributes:
        method: one of METHODS; None for "density_matrix" under noise and "statevector" without.
            Under the noise of a snapshot the other two run one trajectory per shot.
        snapshot: whose coupling, gates and noise to use, such as "fake_boston"; "" for none.
        two_qubit_error: average error of a two-qubit gate (1 - average fidelity, what calibration
            data report) in 0..3/4, as depolarising noise: one of the 15 Pauli pairs follows with
            probability 5/4 of it. Needs "density_matrix" unless 0; not beside a snapshot.
        basis: what two-qubit gates are lowered to, and hence where errors strike. A snapshot has
            its own gates.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        level, transpiler_seed: of Qiskit's transpiler; only used with a snapshot.
        line: send dense costs through a SWAP network instead of the router; for mixers "x" and
            "xy_trotter".
        threads: of Aer's own pool.

    >>> Aer(two_qubit_error=0.01).engine
    'density_matrix'
    """

    method: Method | None = None
    snapshot: str = ""
    two_qubit_error: float = 0.0
    basis: Basis = "cz"
    trotter_steps: int | None = None
    level: int = 3
    transpiler_seed: int = 0
    line: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        if self.method not in (None, *METHODS):
            raise ConfigError(f"unknown method {self.method!r} of aer; allowed: {METHODS}")
        if self.basis not in get_args(Basis):
            raise ConfigError(f"unknown basis {self.basis!r} of aer; allowed: {get_args(Basis)}")
        if not 0 <= self.two_qubit_error <= 0.75:
            raise ConfigError(f"two_qubit_error must lie in 0..0.75, got {self.two_qubit_error}")
        if self.two_qubit_error and self.engine != "density_matrix":
            raise ConfigError(
                f"two_qubit_error {self.two_qubit_error} needs method 'density_matrix', "
                f"got {self.method!r}"
            )
        if self.snapshot and self.two_qubit_error:
            raise ConfigError(
                f"snapshot {self.snapshot!r} has its own noise; leave two_qubit_error out"
            )
        if self.level not in range(4):
            raise ConfigError(f"level must be 0, 1, 2 or 3, got {self.level}")

    @property
    def engine(self) -> Method:
        """The method that runs."""
        noisy = self.snapshot or self.two_qubit_error
        return self.method or ("density_matrix" if noisy else "statevector")

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; no gradients, so not exact in the sense of the port."""
        most = int(_simulator(self.engine, self.two_qubit_error, self.threads).num_qubits)
        name = f"aer:{self.snapshot}" if self.snapshot else "aer"
        if self.snapshot:
            most = min(most, snapshots.snapshot(self.snapshot).num_qubits)
        return Capabilities(name, exact=False, mixers=NATIVE_MIXERS, max_qubits=most)

    def compile(self, ansatz: QaoaAnsatz) -> AerCompiled:
        """Return the ansatz lowered, placed on the device if there is one, on a simulator.

        Raises:
            BackendError: the ansatz has no circuit (a warm start, or "xy_complete" as above).
            CapacityError: too many qubits for the memory or for the device.
            UnknownNameError: no such snapshot.
            MissingExtraError: a snapshot, but qiskit-ibm-runtime is not installed.
        """
        self._check_size(ansatz.n)
        spec = lowered(self.capabilities.name, ansatz, self.trotter_steps, line=self.line)
        if not self.snapshot:
            simulator = _simulator(self.engine, self.two_qubit_error, self.threads)
            circuit = to_qiskit(to_basis(spec, self.basis))
            gates = circuit.remove_final_measurements(inplace=False)
            return AerCompiled(ansatz, spec.parameters, gates, spec.measured, simulator)
        shared = structure(spec)
        placed = snapshots.placed(self.snapshot, shared.spec, self.level, self.transpiler_seed)
        self._check_size(len(placed.qubits))
        simulator = _on_snapshot(self.snapshot, placed.qubits, self.engine, self.threads)
        readouts = snapshots.readouts(self.snapshot, placed.qubits)[list(placed.measured)]
        return AerCompiled(
            ansatz=ansatz,
            parameters=shared.spec.parameters,
            gates=placed.compact,
            measured=placed.measured,
            simulator=simulator,
            readouts=readouts,
            placed=placed,
            snapshot=self.snapshot,
            structure=shared,
        )

    def run(self, circuit: CircuitSpec, *, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements of a circuit without parameters.

        Raises:
            BackendError: unbound parameters, or no shot.
            CapacityError, UnknownNameError, MissingExtraError: as `compile`.
        """
        check_shots(shots)
        check_bound(circuit)
        self._check_size(circuit.qubits)
        if self.snapshot:
            placed = snapshots.placed(self.snapshot, circuit, self.level, self.transpiler_seed)
            simulator = _on_snapshot(self.snapshot, placed.qubits, self.engine, self.threads)
            ready = _reading(placed.compact, placed.measured)
        else:
            simulator = _simulator(self.engine, self.two_qubit_error, self.threads)
            ready = to_qiskit(to_basis(circuit, self.basis))
        result = simulator.run(ready, shots=shots, seed_simulator=int(rng.integers(2**31))).result()
        if not result.success:
            raise BackendError(f"aer failed: {result.status}")
        return _counted(result.data(0)["counts"], len(circuit.measured))

    def calibration(self, compiled: AerCompiled) -> Calibration | None:
        """Return the snapshot's numbers for the qubits of a compiled ansatz; None without one."""
        if compiled.placed is None:
            return None
        return calibration(snapshots.snapshot(self.snapshot), compiled.placed)

    def _check_size(self, n: int) -> None:
        most = self.capabilities.max_qubits
        if most is None or n <= most:
            return
        if self.snapshot:
            held = int(snapshots.snapshot(self.snapshot).num_qubits)
            if n > held:
                raise too_few(self.snapshot, held, n)
            raise CapacityError(
                f"{self.capabilities.name} with method {self.engine!r} holds {most} qubits on this "
                f"machine, got {n}; try method 'statevector' or backend 'noise:depolarising'"
            )
        raise CapacityError(
            f"aer with method {self.engine!r} holds {most} qubits on this machine, got {n}; try "
            "method 'matrix_product_state' or backend 'subspace'"
        )


@dataclass(frozen=True)
class AerCompiled:
    """One circuit on one simulator.

    Attributes:
        ansatz: what was compiled.
        parameters: names of the circuit's parameters: the angles in the order of `angle_rows`, or
            those of `structure`.
        gates: the circuit, nothing measured.
        measured: the qubit of `gates` that is variable k.
        simulator: with its noise.
        readouts: (n, 2, 2), how variable k is read; None for perfectly.
        placed, snapshot: how it lies on which device, if it does.
        structure: turns angles into the parameters of a circuit that other costs share.
    """

    ansatz: QaoaAnsatz
    parameters: tuple[str, ...]
    gates: QuantumCircuit
    measured: tuple[int, ...]
    simulator: AerSimulator
    readouts: NDArray[np.float64] | None = None
    placed: Placed | None = None
    snapshot: str = ""
    structure: Structure | None = None

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the exact mean cost of the simulated state as it is read, without sampling.

        Raises:
            BackendError: trajectories have no exact mean.
        """
        rows, shape = angle_rows(self.ansatz, angles)
        if self.placed is None and self._method == "matrix_product_state":
            values = np.array(self._run(self._observed, rows, "expectation_value"))
        else:
            values = self._probabilities(rows) @ self._costs
        return values.reshape(shape)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the states that the ansatz allows and their probabilities at one angle set.

        What is missing from 1 is what noise moved to states that it does not allow.
        """
        (probabilities,) = self._probabilities(angle_row(self.ansatz, angles))
        index = allowed(self.ansatz)
        return bits(index, self.ansatz.n), probabilities[index]

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set, drawn by Aer."""
        check_shots(shots)
        row = angle_row(self.ansatz, angles)
        seed = int(rng.integers(2**31))
        (counts,) = self._run(self._read, row, "counts", shots=shots, seed_simulator=seed)
        return _counted(counts, self.ansatz.n)

    def read(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return how probable every one of the 2^n readings is at one angle set, in basis order."""
        return self._probabilities(angle_row(self.ansatz, angles))[0]

    def execution(self) -> Execution | None:
        """Return how it lies on the snapshot's device; None without one."""
        if self.placed is None:
            return None
        return execution(snapshots.snapshot(self.snapshot), self.placed)

    def folded(self, scale: int) -> AerCompiled:
        """Return the same with every two-qubit gate repeated `scale` times, an odd number."""
        return replace(self, gates=fold(self.gates, scale))

    @property
    def _method(self) -> str:
        return str(self.simulator.options.method)

    @cached_property
    def _read(self) -> QuantumCircuit:
        return _reading(self.gates, self.measured)

    @cached_property
    def _listed(self) -> QuantumCircuit:
        listed = self.gates.copy()
        listed.save_probabilities(self.measured)
        return listed

    @cached_property
    def _observed(self) -> QuantumCircuit:
        fields, couplings = ising(self.ansatz)
        pairs = np.argwhere(couplings).tolist()
        terms = [("Z", [k], field) for k, field in enumerate(fields)]
        terms += [("ZZ", pair, couplings[tuple(pair)]) for pair in pairs]
        ansatz = self.ansatz
        offset = ansatz.constant + ansatz.linear.sum() / 2 + ansatz.quadratic.sum() / 4
        terms.append(("", [], offset))
        observed = self.gates.copy()
        operator = SparsePauliOp.from_sparse_list(terms, num_qubits=ansatz.n)
        observed.save_expectation_value(operator, self.measured)
        return observed

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return costs(self.ansatz)

    def _probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is read, one distribution (2^n,) per row of `rows`."""
        if self.placed is not None and self._method != "density_matrix":
            raise BackendError(
                f"method {self._method!r} follows noise shot by shot and knows no exact "
                "distribution; use method 'density_matrix', or sample"
            )
        found = np.array(self._run(self._listed, rows, "probabilities"))
        if self.readouts is None:
            return found
        return np.array([tensored(self.readouts, each) for each in found])

    def _run(
        self, ready: QuantumCircuit, rows: NDArray[np.float64], key: str, **options: int
    ) -> list[Any]:
        """Return one result per row of `rows` (b, 2p), all from one job."""
        values = rows if self.structure is None else self.structure.angles(rows)
        columns = dict(zip(self.parameters, values.T.tolist(), strict=True))
        binds = [{parameter: columns[parameter.name] for parameter in ready.parameters}]
        result = self.simulator.run(ready, parameter_binds=binds, **options).result()
        if not result.success:
            raise BackendError(f"aer failed: {result.status}")
        data = [result.data(index)[key] for index in range(len(result.results))]
        return data if binds[0] else data * len(rows)


def _reading(gates: QuantumCircuit, measured: tuple[int, ...]) -> QuantumCircuit:
    """Return a circuit with its qubits measured into the register "c"."""
    read = gates.copy()
    read.add_register(ClassicalRegister(len(measured), "c"))
    read.measure(measured, range(len(measured)))
    return read


def _counted(found: Mapping[str, int], n: int) -> Counts:
    """Return Aer's counts, whose keys are hexadecimal numbers."""
    return Counts.of(bits(np.array([int(key, 16) for key in found]), n), list(found.values()))


@lru_cache(maxsize=32)
def _simulator(method: str, two_qubit_error: float, threads: int) -> AerSimulator:
    """Return the simulator with its noise model; building one costs more than a small run."""
    noise = None
    if two_qubit_error:
        noise = NoiseModel()
        channel = depolarizing_error(two_qubit_error * _PARAMETER_PER_ERROR, 2)
        noise.add_all_qubit_quantum_error(channel, ["cx", "cz", "rzz"])
    return AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads)


@lru_cache(maxsize=32)
def _on_snapshot(name: str, qubits: tuple[int, ...], method: str, threads: int) -> AerSimulator:
    noise = snapshots.noise(name, qubits)
    return AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads)
