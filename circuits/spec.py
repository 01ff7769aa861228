"""A circuit as data: a frozen list of gates with named parameters, and what it costs.

Gate set, all a lowering or an engine has to know (`matrix` is the definition):
    h x z                 fixed one-qubit gates
    rx ry rz              exp(-i t P/2)
    cx cz swap            fixed two-qubit gates; the first qubit of cx is the control
    rzz                   exp(-i t ZZ/2)
    xxplusyy              exp(-i t (XX+YY)/4): the pair rotation of the XY mixers
    givens                exp(-i t (XY-YX)/4): real rotation of |10> and |01> by t/2
Global phase is not kept. Only numpy may be imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Basis = Literal["cz", "fractional"]
"""What a two-qubit gate is counted in: "cz" = CZ or CX only; "fractional" = RZZ(any) as well."""

_X = np.array([[0, 1], [1, 0]], dtype=np.complex128)
_Y = np.array([[0, -1j], [1j, 0]])
_Z = np.diag([1, -1]).astype(np.complex128)


def _pair(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(np.kron(second, first), dtype=np.complex128)


FIXED: Mapping[str, NDArray[np.complex128]] = {
    "h": (_X + _Z) / np.sqrt(2),
    "x": _X,
    "z": _Z,
    "cx": np.eye(4, dtype=np.complex128)[[0, 3, 2, 1]],
    "cz": np.diag([1, 1, 1, -1]).astype(np.complex128),
    "swap": np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]],
}
"""Unitaries of the gates without an angle; index = bit of first qubit + 2 * bit of second."""

GENERATORS: Mapping[str, NDArray[np.complex128]] = {
    "rx": _X,
    "ry": _Y,
    "rz": _Z,
    "rzz": _pair(_Z, _Z),
    "xxplusyy": (_pair(_X, _X) + _pair(_Y, _Y)) / 2,
    "givens": (_pair(_X, _Y) - _pair(_Y, _X)) / 2,
}
"""G of the gates exp(-i t G/2); every G satisfies G^3 = G, so the exponential has three terms."""

COST: Mapping[str, Mapping[str, int]] = {
    "cz": {"cx": 1, "cz": 1, "swap": 3, "rzz": 2, "xxplusyy": 2, "givens": 2},
    "fractional": {"cx": 1, "cz": 1, "swap": 3, "rzz": 1, "xxplusyy": 2, "givens": 2},
}
"""Native two-qubit gates per gate, by basis."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate; its angle is `angle`, or `angle + factor * parameter` if it names one.

    >>> print(Gate("rzz", (0, 3), factor=0.5, parameter="gamma_1"))
    rzz(0.5*gamma_1) 0 3
    """

    name: str
    qubits: tuple[int, ...]
    angle: float = 0.0
    factor: float = 0.0
    parameter: str = ""

    def turn(self, name: str, qubits: tuple[int, ...], share: float = 1.0) -> Gate:
        """Return another rotation by `share` times the angle of this one."""
        return Gate(name, qubits, share * self.angle, share * self.factor, self.parameter)

    def __str__(self) -> str:
        where = " ".join(str(qubit) for qubit in self.qubits)
        if self.name in FIXED:
            return f"{self.name} {where}"
        terms = [f"{self.angle!r}"] if self.angle or not self.parameter else []
        terms += [f"{self.factor!r}*{self.parameter}"] if self.parameter else []
        return f"{self.name}({'+'.join(terms)}) {where}"


@dataclass(frozen=True, slots=True)
class Resources:
    """What a circuit needs: two-qubit gates and depth as counted by `CircuitSpec.resources`."""

    qubits: int
    depth: int
    two_qubit_gates: int


@dataclass(frozen=True, slots=True)
class CircuitSpec:
    """A circuit from |0...0>; gates act in order.

    Attributes:
        qubits: how many.
        gates: the first one acts first.
        parameters: the names that angles may refer to, in the order `bind` takes their values.
        measured: column k of the counts reads qubit `measured[k]`; empty: nothing is measured.

    >>> bell = CircuitSpec(2, (Gate("h", (0,)), Gate("cx", (0, 1))), measured=(0, 1))
    >>> print(bell)
    qubits 2
    h 0
    cx 0 1
    measure 0 1
    >>> bell.resources()
    Resources(qubits=2, depth=1, two_qubit_gates=1)
    """

    qubits: int
    gates: tuple[Gate, ...]
    parameters: tuple[str, ...] = ()
    measured: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        known = {"", *self.parameters}
        for gate in self.gates:
            size = _size(gate.name)
            if len(gate.qubits) != size or len(set(gate.qubits)) != size:
                raise ValueError(f"{gate.name} acts on {size} distinct qubits, got {gate.qubits}")
            if not all(0 <= qubit < self.qubits for qubit in gate.qubits):
                raise ValueError(f"'{gate}' leaves the qubits 0..{self.qubits - 1}")
            if gate.parameter not in known:
                raise ValueError(f"'{gate}' uses a parameter that is not in {self.parameters}")
        if len(set(self.measured)) != len(self.measured) or not all(
            0 <= qubit < self.qubits for qubit in self.measured
        ):
            raise ValueError(
                f"measured qubits must be distinct and in 0..{self.qubits - 1}: {self.measured}"
            )

    def __str__(self) -> str:
        lines = [f"qubits {self.qubits}"]
        lines += [f"parameters {' '.join(self.parameters)}"] if self.parameters else []
        lines += [str(gate) for gate in self.gates]
        lines += [f"measure {' '.join(map(str, self.measured))}"] if self.measured else []
        return "\n".join(lines)

    @property
    def hash(self) -> str:
        """The sha256 of the printed circuit: equal text, equal circuit."""
        return hashlib.sha256(str(self).encode()).hexdigest()

    def bind(self, values: Sequence[float] | NDArray[np.float64]) -> CircuitSpec:
        """Return the circuit with numbers in place of parameters, given in their order.

        Raises:
            ValueError: not one value per parameter.
        """
        if len(values) != len(self.parameters):
            raise ValueError(f"{len(values)} values for the parameters {self.parameters}")
        table = dict(zip(self.parameters, map(float, values), strict=True))
        gates = tuple(
            Gate(g.name, g.qubits, g.angle + g.factor * table[g.parameter]) if g.parameter else g
            for g in self.gates
        )
        return replace(self, gates=gates, parameters=())

    def inverse(self) -> CircuitSpec:
        """Return the circuit that undoes this one."""
        return replace(self, gates=inverse(self.gates))

    def resources(self, *, basis: Basis = "cz") -> Resources:
        """Return qubits, two-qubit gates and depth when compiled to `basis` with no routing.

        An rzz is 2 CZ or 1 fractional RZZ; xxplusyy and givens are 2 of either; swap is 3.
        Depth counts two-qubit layers on all-to-all connections: a gate of cost c keeps its qubits
        for c layers and one-qubit gates are free, because on every platform they are several
        times faster and better. `swap_network` gives the counts on a line.
        """
        cost = COST[basis]
        free_from = [0] * self.qubits
        total = 0
        for gate in self.gates:
            if len(gate.qubits) == 2:
                first, second = gate.qubits
                layers = cost[gate.name]
                free_from[first] = free_from[second] = (
                    max(free_from[first], free_from[second]) + layers
                )
                total += layers
        return Resources(self.qubits, max(free_from, default=0), total)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A circuit whose numbers were taken out, so that equal ones are compiled once.

    Attributes:
        spec: every gate that named a parameter has one of its own, angle_0, angle_1, ...
        offsets, weights: (g,) and (g, parameters): the g angles are offsets + weights @ values.
    """

    spec: CircuitSpec
    offsets: NDArray[np.float64]
    weights: NDArray[np.float64]

    def angles(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the angles (m, g) of the gates for parameter values (m, parameters)."""
        return np.asarray(self.offsets + rows @ self.weights.T, dtype=np.float64)


def structure(spec: CircuitSpec) -> Structure:
    """Return what a circuit shares with those that differ from it in numbers only.

    >>> turn = Gate("rz", (0,), angle=0.5, factor=2.0, parameter="t")
    >>> found = structure(CircuitSpec(1, (turn,), ("t",)))
    >>> print(found.spec.gates[0], found.angles(np.array([[0.25]])).tolist())
    rz(1.0*angle_0) 0 [[1.0]]
    """
    column = {name: k for k, name in enumerate(spec.parameters)}
    named = [gate for gate in spec.gates if gate.parameter]
    weights = np.zeros((len(named), len(column)))
    for row, gate in enumerate(named):
        weights[row, column[gate.parameter]] = gate.factor
    names = tuple(f"angle_{row}" for row in range(len(named)))
    fresh = iter(names)
    gates = tuple(
        Gate(g.name, g.qubits, factor=1.0, parameter=next(fresh)) if g.parameter else g
        for g in spec.gates
    )
    bare = CircuitSpec(spec.qubits, gates, names, spec.measured)
    return Structure(bare, np.array([gate.angle for gate in named]), weights)


def matrix(name: str, angle: float = 0.0) -> NDArray[np.complex128]:
    """Return the unitary of a gate, (2, 2) or (4, 4); the first qubit is the low bit of the index.

    >>> matrix("rz", np.pi).round(3).diagonal().tolist()
    [-1j, 1j]
    """
    if name in FIXED:
        return FIXED[name]
    generator = GENERATORS[name]
    square = generator @ generator
    rotation = np.cos(angle / 2) * square - 1j * np.sin(angle / 2) * generator
    return np.eye(len(generator)) - square + rotation


def inverse(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """Return the gates that undo `gates`: reversed, with opposite angles."""
    return tuple(
        g if g.name in FIXED else replace(g, angle=-g.angle, factor=-g.factor)
        for g in reversed(tuple(gates))
    )


def _size(name: str) -> int:
    """Return on how many qubits a gate acts."""
    table = FIXED if name in FIXED else GENERATORS
    if name not in table:
        raise ValueError(f"unknown gate {name!r}; allowed: {', '.join((*FIXED, *GENERATORS))}")
    return len(table[name]).bit_length() - 1
