"""Qiskit Aer behind the backend port: ideal, with depolarising noise, or as a real device was.

The ansatz is lowered and compiled once; a batch of angles is bound to that circuit in one job.
`two_qubit_error` puts depolarising noise after every two-qubit gate of the circuit that really
runs. "aer:fake_NAME" runs the circuit transpiled to that device under the noise of its snapshot,
by default in our own engine, which gives the same numbers sooner. Only adapters and lowerings
import Qiskit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from circuits.basis import to_basis
from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz
from circuits.spec import Basis, CircuitSpec, structure
from qfl.backends import snapshots
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    NATIVE_MIXERS,
    check_bound,
    drawn,
    lowered,
    too_few,
)
from qfl.backends.noisy import Noise
from qfl.backends.on_snapshot import Situation, SnapshotCompiled
from qfl.backends.placement import Layout, Placed
from qfl.backends.practice import Decoupling, check_decoupling, practised
from qfl.backends.simulated import AerCompiled, counted, on_snapshot, reading, simulator
from qfl.backends.stored import check_snapshot
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.core.ports import Capabilities
from qfl.simulators.pauli import most_qubits

Method = Literal["statevector", "density_matrix", "matrix_product_state", "pauli"]
METHODS = get_args(Method)
_PAULI_ONLY = ("idle_errors", "twirling", "fractional_gates")


@dataclass(frozen=True, slots=True)
class Aer:
    """Qiskit Aer; constructing it configures it.

    Attributes:
        method: one of METHODS; None for "pauli" on a snapshot, "density_matrix" with a
            `two_qubit_error` and "statevector" without noise. "pauli" is our own engine and for
            snapshots only. On a snapshot, "statevector" and "matrix_product_state" run one
            trajectory per shot.
        snapshot: whose coupling, gates and noise to use, such as "fake_boston"; "" for none.
        two_qubit_error: average error of a two-qubit gate (1 - average fidelity, what calibration
            data report) in 0..3/4, as depolarising noise: one of the 15 Pauli pairs follows with
            probability 5/4 of it. Needs "density_matrix" unless 0; not beside a snapshot.
        basis: what two-qubit gates are lowered to, and hence where errors strike. A snapshot has
            its own gates.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
        packed: order the commuting interactions of a cost so that they take few layers.
        line: send dense costs through a SWAP network instead of the router; for mixers "x" and
            "xy_trotter".
        level, transpiler_seed, noise_aware: see `placement.Layout`; only used with a snapshot.
        fractional_gates: give a snapshot rzz and rx; see `targets.fractional`.
        idle_errors: qubits of a snapshot relax while they wait, gates being as late as possible.
        dynamical_decoupling: pulses while they wait, "" for none; needs `idle_errors`.
        drift_hz: standard deviation of slow frequency errors of waiting qubits, which no snapshot
            reports: an assumption, drawn once per qubit from `transpiler_seed`. Needs
            `idle_errors`.
        twirling: random Pauli frames around two-qubit gates and measurements, averaged over all.
        threads: of Aer's own pool.

    >>> Aer(two_qubit_error=0.01).engine
    'density_matrix'
    """

    method: Method | None = None
    snapshot: str = ""
    two_qubit_error: float = 0.0
    basis: Basis = "cz"
    trotter_steps: int | None = None
    packed: bool = True
    line: bool = False
    level: int = 3
    transpiler_seed: int = 0
    noise_aware: bool = True
    fractional_gates: bool = False
    idle_errors: bool = False
    dynamical_decoupling: Decoupling = ""
    drift_hz: float = 0.0
    twirling: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        if self.method not in (None, *METHODS):
            raise ConfigError(f"unknown method {self.method!r} of aer; allowed: {METHODS}")
        if self.basis not in get_args(Basis):
            raise ConfigError(f"unknown basis {self.basis!r} of aer; allowed: {get_args(Basis)}")
        if not 0 <= self.two_qubit_error <= 0.75:
            raise ConfigError(f"two_qubit_error must lie in 0..0.75, got {self.two_qubit_error}")
        if self.snapshot and self.two_qubit_error:
            raise ConfigError(
                f"snapshot {self.snapshot!r} has its own noise; leave two_qubit_error out"
            )
        if self.two_qubit_error and self.engine != "density_matrix":
            raise ConfigError(
                f"two_qubit_error {self.two_qubit_error} needs method 'density_matrix', "
                f"got {self.method!r}"
            )
        if self.snapshot:
            check_snapshot(self.snapshot)
        if self.threads < 1:
            raise ConfigError(f"threads must be at least 1, got {self.threads}")
        self._check_practice()
        self._layout()

    def _check_practice(self) -> None:
        """Refuse switches that would do nothing."""
        check_decoupling(self.dynamical_decoupling)
        if not 0 <= self.drift_hz < np.inf:
            raise ConfigError(f"drift_hz must be finite and at least 0, got {self.drift_hz}")
        if self.method == "pauli" and not self.snapshot:
            raise ConfigError(
                "method 'pauli' simulates snapshots only; use method 'density_matrix'"
            )
        given = [name for name in _PAULI_ONLY if getattr(self, name)]
        if given and self.engine != "pauli":
            raise ConfigError(
                f"{given[0]} is part of the noise of a snapshot under method 'pauli', got method "
                f"{self.engine!r}"
            )
        for name in ("dynamical_decoupling", "drift_hz"):
            if getattr(self, name) and not self.idle_errors:
                raise ConfigError(f"{name} acts on qubits that wait; set idle_errors = true too")
        if self.twirling and self.fractional_gates:
            raise ConfigError("twirling does not work with fractional gates; choose one of the two")

    @property
    def engine(self) -> Method:
        """The method that runs."""
        if self.snapshot:
            return self.method or "pauli"
        return self.method or ("density_matrix" if self.two_qubit_error else "statevector")

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; no gradients, so not exact in the sense of the port."""
        name = f"aer:{self.snapshot}" if self.snapshot else "aer"
        most = self._most_qubits()
        if self.snapshot:
            most = min(most, snapshots.snapshot(self.snapshot).num_qubits)
        return Capabilities(name, exact=False, mixers=NATIVE_MIXERS, max_qubits=most)

    def compile(self, ansatz: QaoaAnsatz) -> AerCompiled | SnapshotCompiled:
        """Return the ansatz lowered, placed on the device if there is one, on a simulator.

        Raises:
            BackendError: the ansatz has no circuit (a warm start, or "xy_complete" as above).
            CapacityError: too many qubits for the memory or for the device.
            MissingExtraError: a snapshot, but qiskit-ibm-runtime is not installed.
        """
        self.check_size(ansatz.n)
        spec = self.lowered(ansatz)
        if not self.snapshot:
            engine = simulator(self.engine, self.two_qubit_error, self.threads)
            circuit = to_qiskit(to_basis(spec, self.basis))
            gates = circuit.remove_final_measurements(inplace=False)
            return AerCompiled(ansatz, spec.parameters, gates, spec.measured, engine)
        shared = structure(spec)
        placed = self.placed(shared.spec)
        self.check_size(len(placed.qubits))
        if self.engine == "pauli":
            return SnapshotCompiled(ansatz, shared, self._situation(placed))
        engine = on_snapshot(self.snapshot, placed.qubits, self.engine, self.threads)
        readouts = snapshots.readouts(self.snapshot, placed.qubits)[list(placed.measured)]
        return AerCompiled(
            ansatz=ansatz,
            parameters=shared.spec.parameters,
            gates=placed.compact,
            measured=placed.measured,
            simulator=engine,
            readouts=readouts,
            placed=placed,
            snapshot=self.snapshot,
            structure=shared,
        )

    def run(self, circuit: CircuitSpec, *, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements of a circuit without parameters.

        Raises:
            BackendError: unbound parameters, or no shot.
            CapacityError, MissingExtraError: as `compile`.
        """
        check_shots(shots)
        check_bound(circuit)
        self.check_size(circuit.qubits)
        if self.snapshot:
            placed = self.placed(circuit)
            self.check_size(len(placed.qubits))
            if self.engine == "pauli":
                return drawn(self._situation(placed).read({}), shots, rng)
            engine = on_snapshot(self.snapshot, placed.qubits, self.engine, self.threads)
            ready = reading(placed.compact, placed.measured)
        else:
            engine = simulator(self.engine, self.two_qubit_error, self.threads)
            ready = to_qiskit(to_basis(circuit, self.basis))
        result = engine.run(ready, shots=shots, seed_simulator=int(rng.integers(2**31))).result()
        if not result.success:
            raise BackendError(f"aer failed: {result.status}")
        return counted(result.data(0)["counts"], len(circuit.measured))

    def lowered(self, ansatz: QaoaAnsatz) -> CircuitSpec:
        """Return the circuit of an ansatz before it is placed.

        Raises:
            BackendError: it has none.
        """
        name = f"aer:{self.snapshot}" if self.snapshot else "aer"
        return lowered(name, ansatz, self.trotter_steps, line=self.line, packed=self.packed)

    def placed(self, spec: CircuitSpec) -> Placed:
        """Return a circuit on the snapshot's qubits.

        Raises:
            CapacityError: the device has too few of them.
        """
        layout = self._layout()
        return snapshots.placed(self.snapshot, spec, layout, fractional_gates=self.fractional_gates)

    def _layout(self) -> Layout:
        return Layout(self.level, self.transpiler_seed, self.noise_aware)

    def _situation(self, placed: Placed) -> Situation:
        noise = Noise(
            idle_errors=self.idle_errors,
            decoupling=self.dynamical_decoupling,
            drift_hz=self.drift_hz,
            twirling=self.twirling,
            seed=self.transpiler_seed,
        )
        return Situation(
            self.snapshot, placed, noise, self.fractional_gates, practised(asdict(self))
        )

    def _most_qubits(self) -> int:
        if self.engine == "pauli":
            return most_qubits()
        return int(simulator(self.engine, self.two_qubit_error, self.threads).num_qubits)

    def check_size(self, n: int) -> None:
        """Do nothing if n qubits can be simulated.

        Raises:
            CapacityError: they cannot; it says what would fit, and what to do.
        """
        if self.snapshot:
            held = int(snapshots.snapshot(self.snapshot).num_qubits)
            if n > held:
                raise too_few(self.snapshot, held, n)
        most = self._most_qubits()
        if n <= most:
            return
        if self.snapshot:
            raise CapacityError(
                f"aer:{self.snapshot} with method {self.engine!r} holds {most} qubits in the "
                f"memory of this machine, got {n}; try fewer variables (clients), backend "
                "'noise:depolarising', or method 'statevector', which takes long"
            )
        raise CapacityError(
            f"aer with method {self.engine!r} holds {most} qubits on this machine, got {n}; try "
            "method 'matrix_product_state' or backend 'subspace'"
        )
