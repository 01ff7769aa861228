"""One circuit on one of Aer's simulators: means, distributions, samples. Built once, cached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from circuits.qaoa import QaoaAnsatz, ising
from circuits.spec import Structure
from qfl.backends import snapshots
from qfl.backends.calibration import execution
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    allowed,
    angle_row,
    angle_rows,
    bits,
    costs,
    tensored,
)
from qfl.backends.placement import Placed, fold
from qfl.core.counts import Counts
from qfl.core.decision import Execution
from qfl.core.errors import BackendError

_PARAMETER_PER_ERROR = 4 / 3  # depolarizing_error(p, 2) has average fidelity 1 - 3p/4


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
        return counted(counts, self.ansatz.n)

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
        return reading(self.gates, self.measured)

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


def reading(gates: QuantumCircuit, measured: tuple[int, ...]) -> QuantumCircuit:
    """Return a circuit with its qubits measured into the register "c"."""
    read = gates.copy()
    read.add_register(ClassicalRegister(len(measured), "c"))
    read.measure(measured, range(len(measured)))
    return read


def counted(found: Mapping[str, int], n: int) -> Counts:
    """Return Aer's counts, whose keys are hexadecimal numbers."""
    return Counts.of(bits(np.array([int(key, 16) for key in found]), n), list(found.values()))


@lru_cache(maxsize=32)
def simulator(method: str, two_qubit_error: float, threads: int) -> AerSimulator:
    """Return the simulator with its noise model; building one costs more than a small run."""
    noise = None
    if two_qubit_error:
        noise = NoiseModel()
        channel = depolarizing_error(two_qubit_error * _PARAMETER_PER_ERROR, 2)
        noise.add_all_qubit_quantum_error(channel, ["cx", "cz", "rzz"])
    return AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads)


@lru_cache(maxsize=32)
def on_snapshot(name: str, qubits: tuple[int, ...], method: str, threads: int) -> AerSimulator:
    noise = snapshots.noise(name, qubits)
    return AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads)
