"""CircuitSpec -> qiskit.QuantumCircuit, gate by gate, with no deprecated library class.

Qubit k stays qubit k, and column k of the counts is bit k of the classical register "c", which
Qiskit prints rightmost first. Parameters keep their names. Global phase is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

from qiskit.circuit import ClassicalRegister, Parameter, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import XXPlusYYGate

from circuits.spec import FIXED, CircuitSpec

_PAIRS: dict[str, Callable[[Any], XXPlusYYGate]] = {
    "xxplusyy": XXPlusYYGate,
    "givens": lambda angle: XXPlusYYGate(angle, pi / 2),
}


def to_qiskit(spec: CircuitSpec) -> QuantumCircuit:
    """Return the circuit; bind by name, for instance `{"gamma_1": 0.3}`.

    >>> from circuits.w_state import circuit
    >>> to_qiskit(circuit(3)).count_ops()["xx_plus_yy"]
    2
    """
    registers = [QuantumRegister(spec.qubits, "q")]
    if spec.measured:
        registers.append(ClassicalRegister(len(spec.measured), "c"))
    lowered = QuantumCircuit(*registers)
    parameters = {name: Parameter(name) for name in spec.parameters}
    for gate in spec.gates:
        if gate.name in FIXED:
            getattr(lowered, gate.name)(*gate.qubits)
            continue
        angle = gate.angle
        if gate.parameter:
            angle = gate.angle + gate.factor * parameters[gate.parameter]
        if gate.name in _PAIRS:
            lowered.append(_PAIRS[gate.name](angle), gate.qubits)
        else:
            getattr(lowered, gate.name)(angle, *gate.qubits)
    for column, qubit in enumerate(spec.measured):
        lowered.measure(qubit, column)
    return lowered
