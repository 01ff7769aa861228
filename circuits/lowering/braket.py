"""CircuitSpec -> braket.circuits.Circuit, in the gates that a device takes.

Braket reads every qubit, in ascending order, so the qubit of column k becomes qubit k. Parameters
become free parameters of the same names. Global phase is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from math import pi
from typing import Any

from braket.circuits import Circuit, FreeParameter

from circuits.basis import to_basis
from circuits.spec import FIXED, Basis, CircuitSpec, Gate

_NAMES = {"cx": "cnot", "rzz": "zz", "xxplusyy": "xy"}
_PAIRS = ("cz", "swap", "rzz", "xxplusyy")


def to_braket(spec: CircuitSpec, *, gates: Collection[str] | None = None) -> Circuit:
    """Return the circuit, without measurements.

    Args:
        spec: measures all of its qubits or none.
        gates: two-qubit gates that the device takes beside cnot, by Braket's names; None for all.

    Raises:
        ValueError: some qubits are measured and some are not.

    >>> from circuits.w_state import circuit
    >>> sorted({step.operator.name for step in to_braket(circuit(2), gates=()).instructions})
    ['CNot', 'Rx', 'Rz', 'X']
    """
    if len(spec.measured) not in (0, spec.qubits):
        raise ValueError(f"Braket reads all {spec.qubits} qubits, got {len(spec.measured)} to read")
    column = {qubit: k for k, qubit in enumerate(spec.measured or range(spec.qubits))}
    parameters = {name: FreeParameter(name) for name in spec.parameters}
    lowered = Circuit()
    steps = [step for gate in spec.gates for step in _taken(spec, gate, gates)]
    touched = {qubit for step in steps for qubit in step.qubits}
    for qubit in set(range(spec.qubits)) - touched:
        lowered.i(column[qubit])
    for step in steps:
        method: Callable[..., Any] = getattr(lowered, _NAMES.get(step.name, step.name))
        targets = [column[qubit] for qubit in step.qubits]
        if step.name in FIXED:
            method(*targets)
            continue
        angle: Any = step.angle
        if step.parameter:
            angle = step.factor * parameters[step.parameter] + step.angle
        method(*targets, -angle if step.name == "xxplusyy" else angle)
    return lowered


def _taken(spec: CircuitSpec, gate: Gate, gates: Collection[str] | None) -> Iterator[Gate]:
    """Yield a gate as it is, or as gates that the device takes."""
    if gate.name == "givens":
        second = gate.qubits[1:]
        yield Gate("rz", second, -pi / 2)
        yield from _taken(spec, gate.turn("xxplusyy", gate.qubits), gates)
        yield Gate("rz", second, pi / 2)
    elif gate.name not in _PAIRS or gates is None or _NAMES.get(gate.name, gate.name) in gates:
        yield gate
    elif gate.name == "cz":
        turn = Gate("h", gate.qubits[1:])
        yield from (turn, Gate("cx", gate.qubits), turn)
    else:
        basis: Basis = "fractional" if "zz" in gates else "cz"
        yield from to_basis(replace(spec, gates=(gate,)), basis).gates
