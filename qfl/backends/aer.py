"""Qiskit Aer behind the backend port: state vector, density matrix or matrix products.

The ansatz is lowered to one- and two-qubit gates and compiled once; a batch of angles is bound to
that circuit in one job. With `two_qubit_error` every two-qubit gate of the circuit that really runs
is followed by depolarising noise. Only this adapter and the lowering import Qiskit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from circuits.basis import to_basis
from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, ising
from circuits.spec import Basis, CircuitSpec
from qfl.backends.gates import NATIVE_MIXERS, allowed, angle_row, angle_rows, bits, costs, lowered
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.core.ports import Capabilities

METHODS = ("statevector", "density_matrix", "matrix_product_state")
_PARAMETER_PER_ERROR = 4 / 3  # depolarizing_error(p, 2) has average fidelity 1 - 3p/4


@dataclass(frozen=True, slots=True)
class Aer:
    """Qiskit Aer; constructing it configures it.

    Attributes:
        method: one of METHODS.
        two_qubit_error: average error of a two-qubit gate (1 - average fidelity, what calibration
            data report) in 0..3/4, as depolarising noise: one of the 15 Pauli pairs follows with
            probability 5/4 of it. Needs "density_matrix" unless 0.
        basis: what two-qubit gates are lowered to, and hence where errors strike.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        threads: of Aer's own pool.

    >>> Aer(method="density_matrix", two_qubit_error=0.01).capabilities.name
    'aer'
    """

    method: str = "statevector"
    two_qubit_error: float = 0.0
    basis: Basis = "cz"
    trotter_steps: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"unknown method {self.method!r} of aer; allowed: {METHODS}")
        if self.basis not in get_args(Basis):
            raise ConfigError(f"unknown basis {self.basis!r} of aer; allowed: {get_args(Basis)}")
        if not 0 <= self.two_qubit_error <= 0.75:
            raise ConfigError(f"two_qubit_error must lie in 0..0.75, got {self.two_qubit_error}")
        if self.two_qubit_error and self.method != "density_matrix":
            raise ConfigError(
                f"two_qubit_error {self.two_qubit_error} needs method 'density_matrix', "
                f"got {self.method!r}"
            )

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; exact expectations, but no gradients."""
        most = int(_simulator(self.method, self.two_qubit_error, self.threads).num_qubits)
        return Capabilities("aer", exact=False, mixers=NATIVE_MIXERS, max_qubits=most)

    def compile(self, ansatz: QaoaAnsatz) -> AerCompiled:
        """Return the ansatz lowered and bound to a simulator.

        Raises:
            BackendError: the ansatz has no circuit (a warm start, or "xy_complete" as above).
            CapacityError: too many qubits for the memory.
        """
        most = self.capabilities.max_qubits
        if most is not None and ansatz.n > most:
            raise CapacityError(
                f"aer with method {self.method!r} holds {most} qubits on this machine, got "
                f"{ansatz.n}; try method 'matrix_product_state' or backend 'subspace'"
            )
        spec = lowered("aer", ansatz, self.trotter_steps)
        return AerCompiled(self, ansatz, to_basis(spec, self.basis))


@dataclass(frozen=True)
class AerCompiled:
    """One lowered ansatz on one simulator."""

    backend: Aer
    ansatz: QaoaAnsatz
    spec: CircuitSpec

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the exact mean cost of the simulated state, without sampling."""
        rows, shape = angle_rows(self.ansatz, angles)
        if self.backend.method == "matrix_product_state":
            values = np.array(self._run(self._observed, rows, "expectation_value"))
        else:
            values = np.array(self._run(self._listed, rows, "probabilities")) @ self._costs
        return values.reshape(shape)

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the states that the ansatz allows and their probabilities at one angle set.

        What is missing from 1 is what noise moved to states that it does not allow.
        """
        row = angle_row(self.ansatz, angles)
        (probabilities,) = self._run(self._listed, row, "probabilities")
        index = allowed(self.ansatz)
        return bits(index, self.ansatz.n), probabilities[index]

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set, drawn by Aer."""
        if shots < 1:
            raise BackendError(f"a sample needs at least 1 shot, got {shots}")
        row = angle_row(self.ansatz, angles)
        seed = int(rng.integers(2**31))
        (counts,) = self._run(self._measured, row, "counts", shots=shots, seed_simulator=seed)
        index = np.array([int(key, 16) for key in counts])
        return Counts.of(bits(index, self.ansatz.n), list(counts.values()))

    @cached_property
    def _measured(self) -> Any:
        return to_qiskit(self.spec)

    @cached_property
    def _listed(self) -> Any:
        bare = self._measured.remove_final_measurements(inplace=False)
        bare.save_probabilities()
        return bare

    @cached_property
    def _observed(self) -> Any:
        fields, couplings = ising(self.ansatz)
        pairs = np.argwhere(couplings).tolist()
        terms = [("Z", [k], field) for k, field in enumerate(fields)]
        terms += [("ZZ", pair, couplings[tuple(pair)]) for pair in pairs]
        ansatz = self.ansatz
        offset = ansatz.constant + ansatz.linear.sum() / 2 + ansatz.quadratic.sum() / 4
        terms.append(("", [], offset))
        bare = self._measured.remove_final_measurements(inplace=False)
        operator = SparsePauliOp.from_sparse_list(terms, num_qubits=ansatz.n)
        bare.save_expectation_value(operator, range(ansatz.n))
        return bare

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return costs(self.ansatz)

    def _run(self, ready: Any, rows: NDArray[np.float64], key: str, **options: int) -> list[Any]:
        """Return one result per row of `rows` (b, 2p), all from one job."""
        columns = dict(zip(self.spec.parameters, rows.T.tolist(), strict=True))
        binds = [{parameter: columns[parameter.name] for parameter in ready.parameters}]
        backend = self.backend
        simulator = _simulator(backend.method, backend.two_qubit_error, backend.threads)
        result = simulator.run(ready, parameter_binds=binds, **options).result()
        if not result.success:
            raise BackendError(f"aer failed: {result.status}")
        data = [result.data(index)[key] for index in range(len(result.results))]
        return data if self.spec.parameters else data * len(rows)


@lru_cache(maxsize=32)
def _simulator(method: str, two_qubit_error: float, threads: int) -> AerSimulator:
    """Return the simulator with its noise model; building one costs more than a small run."""
    noise = None
    if two_qubit_error:
        noise = NoiseModel()
        channel = depolarizing_error(two_qubit_error * _PARAMETER_PER_ERROR, 2)
        noise.add_all_qubit_quantum_error(channel, ["cx", "cz", "rzz"])
    return AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads)
