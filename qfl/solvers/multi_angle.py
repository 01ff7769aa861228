"""QAOA with one angle per term instead of one per layer: more parameters, shallower circuits.

Every rotation of the cost and of the mixer gets its own angle, trained by gradients through the
state vector, where neighbouring phases act as one; it starts from the transferable angles of plain
QAOA, so training can only improve on them. The states of all qubits are held: for about 16 qubits
and fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuits.qaoa import circuit, resources
from circuits.spec import CircuitSpec, Gate
from qfl.core.counts import Counts
from qfl.core.decision import Bill, Decision
from qfl.core.problem import Problem
from qfl.simulators.memory import require
from qfl.simulators.statevector import probabilities, run
from qfl.solvers.budget import Counted, lbfgs
from qfl.solvers.encoding import INEQUALITIES, check_penalty, encode
from qfl.solvers.landscape import Landscape, open_backend
from qfl.solvers.options import check_choice, check_count
from qfl.solvers.postprocess import POSTPROCESSES, pick
from qfl.solvers.schedules.tables import Transfer

MIXERS = ("x", "xy_trotter", "xy_ring", "xy_parity_ring")

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAngle:
    """Multi-angle QAOA on our own state vector.

    Attributes:
        shots: samples to decide from.
        depth: layers.
        mixer: one of MIXERS, those whose terms are single gates.
        evaluations: the most evaluations of the mean cost; a gradient comes with its value.
        penalty, inequality: as in `qaoa`.
        postprocess: one of POSTPROCESSES.

    Reference:
        Herrman, Lotshaw, Ostrowski, Humble, Siopsis, arXiv:2109.11455.
    """

    shots: int
    depth: int = 1
    mixer: str = "x"
    evaluations: int = 60
    penalty: float | str = "largest_flip"
    inequality: str = "filter"
    postprocess: str = "none"

    def __post_init__(self) -> None:
        for name in ("shots", "depth", "evaluations"):
            check_count(name, getattr(self, name))
        check_choice("mixer", self.mixer, MIXERS)
        check_penalty(self.penalty)
        check_choice("inequality", self.inequality, INEQUALITIES)
        check_choice("postprocess", self.postprocess, POSTPROCESSES)

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return the best feasible of `shots` samples at the trained angles."""
        started = perf_counter()
        encoding = encode(problem, self.mixer, penalty=self.penalty, inequality=self.inequality)
        scene = Landscape(problem, encoding, self.mixer, open_backend("statevector"))
        shared = Transfer().angles(scene, self.depth, rng)
        spec, shares = separate(circuit(scene.ansatz(self.depth)))
        needed = (16 * (len(spec.gates) + 3) + 9 * problem.n) << problem.n
        advice = "try fewer qubits or a lower depth, or solver 'qaoa'"
        require(needed, what=f"a gradient over {problem.n} qubits", advice=advice)
        states = _basis(problem.n)
        costs = encoding.qubo.energy(states)
        merged = _Circuit(spec)
        trained = _train(merged, costs, shared.ravel()[shares], self.evaluations)
        mass = _distribution(merged, trained.best)
        counts = Counts.of(states, rng.multinomial(self.shots, mass / mass.sum()))
        found = pick(problem, counts, postprocess=self.postprocess)
        feasible = problem.is_feasible(states)
        energies = np.where(feasible, problem.qubo.energy(states), np.inf)
        needs = resources(scene.ansatz(self.depth))
        bill = Bill(
            evaluations=trained.used + found.evaluations,
            shots=self.shots,
            qubits=needs.qubits,
            depth=needs.depth,
            two_qubit_gates=needs.two_qubit_gates,
            qpu_seconds=perf_counter() - started,
        )
        diagnostics = {
            "mixer": self.mixer,
            "parameters": float(len(spec.parameters)),
            **encoding.record,
            **found.diagnostics,
            "expectation": float(costs @ mass),
            "in_constraint_probability": float(mass[feasible].sum()),
            "optimum_probability": float(mass[energies <= energies.min() + 1e-12].sum()),
        }
        return Decision.of(
            problem, found.x, solver="multi_angle", bill=bill, diagnostics=diagnostics
        )


def separate(spec: CircuitSpec) -> tuple[CircuitSpec, NDArray[np.intp]]:
    """Return the circuit with one parameter per rotation, and which old parameter each one was.

    >>> gates = (Gate("rx", (0,), factor=2.0, parameter="b"), Gate("rx", (1,), parameter="b"))
    >>> split, shares = separate(CircuitSpec(2, gates, ("b",)))
    >>> split.parameters, shares.tolist()
    (('b.0', 'b.1'), [0, 0])
    """
    gates: list[Gate] = []
    names: list[str] = []
    shares: list[int] = []
    for gate in spec.gates:
        if gate.parameter:
            shares.append(spec.parameters.index(gate.parameter))
            names.append(f"{gate.parameter}.{len(names)}")
            gate = replace(gate, parameter=names[-1])
        gates.append(gate)
    split = replace(spec, gates=tuple(gates), parameters=tuple(names))
    return split, np.array(shares, dtype=np.intp)


class _Circuit:
    """A circuit whose runs of Z rotations, each with a parameter of its own, are one phase each."""

    def __init__(self, spec: CircuitSpec) -> None:
        self._steps: list[CircuitSpec | tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self._start = torch.zeros(1 << spec.qubits, dtype=torch.complex128)
        self._start[0] = 1
        signs = torch.from_numpy(1.0 - 2.0 * _basis(spec.qubits).T)
        for phases, neighbours in groupby(spec.gates, _is_phase):
            gates = tuple(neighbours)
            if not phases:
                self._steps.append(replace(spec, gates=gates))
                continue
            columns = [spec.parameters.index(gate.parameter) for gate in gates]
            self._steps.append(
                (
                    torch.tensor(columns),
                    torch.tensor([gate.factor for gate in gates], dtype=torch.float64),
                    torch.tensor([gate.angle for gate in gates], dtype=torch.float64),
                    torch.stack([signs[list(gate.qubits)].prod(0) for gate in gates]),
                )
            )

    def probabilities(self, angles: Tensor) -> Tensor:
        """Return the final distribution (2^n,) for angles (parameters,)."""
        state = self._start
        for step in self._steps:
            if isinstance(step, CircuitSpec):
                state = run(step, angles, state=state)
            else:
                columns, factors, constants, signs = step
                turned = (constants + factors * angles[columns]) @ signs
                state = state * torch.exp(-0.5j * turned)
        return probabilities(state)


def _is_phase(gate: Gate) -> bool:
    return gate.name in ("rz", "rzz") and bool(gate.parameter)


def _train(circuit: _Circuit, costs: Vector, start: Vector, evaluations: int) -> Counted:
    table = torch.tensor(costs)
    scale = float(np.ptp(costs)) or 1.0

    def loss(vector: Vector) -> tuple[float, Vector]:
        angles = torch.tensor(vector, requires_grad=True)
        value = circuit.probabilities(angles) @ table / scale
        if not len(vector):  # costs of nothing, and a mixer of nothing
            return float(value), vector
        (gradient,) = torch.autograd.grad(value, angles)
        return float(value.detach()), gradient.numpy()

    return lbfgs(loss, start, evaluations=evaluations)


def _distribution(circuit: _Circuit, angles: Vector) -> Vector:
    with torch.no_grad():
        mass: Vector = circuit.probabilities(torch.tensor(angles)).numpy()
    return mass


def _basis(n: int) -> NDArray[np.uint8]:
    """Return all states in the order of the state vector, (2^n, n)."""
    return ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1).astype(np.uint8)
