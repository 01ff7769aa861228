"""CircuitSpec -> PennyLane operators, to be queued inside a QNode or a quantum script.

Qubit k is wire k, which PennyLane makes the most significant of an index. Angles may be numbers or
anything a PennyLane interface differentiates. Global phase is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from circuits.spec import FIXED, CircuitSpec

_FIXED: dict[str, Callable[..., Any]] = {
    "h": qml.Hadamard,
    "x": qml.PauliX,
    "z": qml.PauliZ,
    "cx": qml.CNOT,
    "cz": qml.CZ,
    "swap": qml.SWAP,
}
_ROTATIONS: dict[str, Callable[..., Any]] = {
    "rx": qml.RX,
    "ry": qml.RY,
    "rz": qml.RZ,
    "rzz": qml.IsingZZ,
    "xxplusyy": lambda angle, wires: qml.IsingXY(-angle, wires=wires),
    "givens": lambda angle, wires: qml.SingleExcitation(angle, wires=wires[::-1]),
}


def to_pennylane(spec: CircuitSpec, values: Sequence[Any] | NDArray[np.float64] = ()) -> list[Any]:
    """Return the operators in order, with `values` for the parameters in their order.

    Measurements are left to the caller: `qml.probs(wires=spec.measured)`, for instance.

    >>> from circuits.w_state import circuit
    >>> [operator.name for operator in to_pennylane(circuit(2))]
    ['PauliX', 'SingleExcitation']
    """
    if len(values) != len(spec.parameters):
        raise ValueError(f"{len(values)} values for the parameters {spec.parameters}")
    table = dict(zip(spec.parameters, values, strict=True))
    operators = []
    for gate in spec.gates:
        wires = list(gate.qubits)
        if gate.name in FIXED:
            operators.append(_FIXED[gate.name](wires=wires))
            continue
        angle: Any = gate.angle
        if gate.parameter:
            angle = gate.angle + gate.factor * table[gate.parameter]
        operators.append(_ROTATIONS[gate.name](angle, wires=wires))
    return operators
