"""What a solver returns: the choice, how good it is known to be, what it cost, and where it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import canonical_json, frozen, sha256_hex
from qfl.core.problem import Problem

Proof = Literal["enumeration", "milp", "bound"]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a decision cost. Bills add: counts and seconds sum, circuit sizes take the larger.

    Attributes:
        evaluations: objective values or expectations computed while searching.
        shots: measurements drawn.
        qubits, depth, two_qubit_gates: of the circuit that was sampled, transpiled where it ran on
            a device or its snapshot; 0 for classical solvers.
        classical_seconds, queue_seconds, qpu_seconds: real seconds, by where they were spent
            (a simulated quantum circuit counts as qpu_seconds of the machine simulating it).
    """

    evaluations: int = 0
    shots: int = 0
    qubits: int = 0
    depth: int = 0
    two_qubit_gates: int = 0
    classical_seconds: float = 0.0
    queue_seconds: float = 0.0
    qpu_seconds: float = 0.0

    def __add__(self, other: Bill) -> Bill:
        return Bill(
            self.evaluations + other.evaluations,
            self.shots + other.shots,
            max(self.qubits, other.qubits),
            max(self.depth, other.depth),
            max(self.two_qubit_gates, other.two_qubit_gates),
            self.classical_seconds + other.classical_seconds,
            self.queue_seconds + other.queue_seconds,
            self.qpu_seconds + other.qpu_seconds,
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """How a circuit ran on a device, real or stored.

    Attributes:
        calibrations: what the device said about the qubits used, at submission and, if it was
            asked again, at collection; plain JSON types.
        qubits, depth, two_qubit_gates: of one circuit after transpilation.
        mitigation: what was done about errors, in order.
        queue_seconds, qpu_seconds: as the device reports them; None for a simulator.
    """

    calibrations: tuple[Mapping[str, Any], ...]
    qubits: int
    depth: int
    two_qubit_gates: int
    mitigation: tuple[str, ...] = ()
    queue_seconds: float | None = None
    qpu_seconds: float | None = None

    @property
    def calibration_ids(self) -> tuple[str, ...]:
        """sha256 of the canonical JSON of each record: the names of their files in a run."""
        return tuple(
            dict.fromkeys(sha256_hex(canonical_json(each).encode()) for each in self.calibrations)
        )

    def diagnostics(self) -> dict[str, str]:
        """Return what a record keeps beside the bill: device, calibration ids, mitigation.

        >>> Execution(({"device": "fake_fez"},), 5, 9, 20, ("readout",)).diagnostics()["mitigation"]
        'readout'
        """
        devices = [str(each["device"]) for each in self.calibrations if "device" in each]
        found = {
            "device": devices[0] if devices else "",
            "calibration": " ".join(self.calibration_ids),
            "mitigation": " ".join(self.mitigation),
        }
        return {name: text for name, text in found.items() if text}


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The chosen x of one problem.

    Attributes:
        problem_hash: which instance was decided.
        solver: registry name of the solver.
        x: (n,) uint8.
        energy: the objective at x, recomputed from the problem.
        feasible: whether x satisfies the constraint.
        bill: what it cost.
        bound: a proven lower bound on the feasible optimum, if known.
        proof: where the bound comes from; with "enumeration" the bound is the optimum.
        diagnostics: numbers a report may show, such as in_constraint_probability.
    """

    problem_hash: str
    solver: str
    x: NDArray[np.uint8]
    energy: float
    feasible: bool
    bill: Bill
    bound: float | None = None
    proof: Proof | None = None
    diagnostics: Mapping[str, float | str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        problem: Problem,
        x: NDArray[np.uint8],
        *,
        solver: str,
        bill: Bill,
        bound: float | None = None,
        proof: Proof | None = None,
        diagnostics: Mapping[str, float | str] | None = None,
    ) -> Decision:
        """Return the decision for `x`, its energy and feasibility computed from `problem`."""
        bits = frozen(x, np.uint8)
        return cls(
            problem_hash=problem.hash,
            solver=solver,
            x=bits,
            energy=float(problem.qubo.energy(bits)),
            feasible=bool(problem.is_feasible(bits)),
            bill=bill,
            bound=bound,
            proof=proof,
            diagnostics=dict(diagnostics or {}),
        )
