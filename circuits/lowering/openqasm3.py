"""CircuitSpec -> OpenQASM 3 text.

Pair rotations stay gates of their own, defined in the text, so that a reader with a native rzz can
use it; `to_openqasm3(to_basis(spec))` leaves only gates of stdgates.inc. Qubit k is q[k], column k
of the counts is bit k of `c`, and parameters become inputs. Only `circuits` may be imported here.
"""

from __future__ import annotations

from circuits.basis import to_basis
from circuits.spec import FIXED, GENERATORS, CircuitSpec, Gate

_STANDARD = {*FIXED, "rx", "ry", "rz"}


def to_openqasm3(spec: CircuitSpec) -> str:
    """Return a complete OpenQASM 3 program.

    >>> print(to_openqasm3(CircuitSpec(1, (Gate("rx", (0,), factor=2.0, parameter="b"),), ("b",))))
    OPENQASM 3.0;
    include "stdgates.inc";
    input float[64] b;
    qubit[1] q;
    rx(2.0*b) q[0];
    <BLANKLINE>
    """
    used = {gate.name for gate in spec.gates}
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [f"input float[64] {name};" for name in spec.parameters]
    lines += [_definition(name) for name in GENERATORS if name in used - _STANDARD]
    lines += [f"qubit[{spec.qubits}] q;"]
    lines += [f"bit[{len(spec.measured)}] c;"] if spec.measured else []
    lines += [_statement(gate, "q[{}]") for gate in spec.gates]
    lines += [f"c[{column}] = measure q[{qubit}];" for column, qubit in enumerate(spec.measured)]
    return "\n".join([*lines, ""])


def _statement(gate: Gate, qubit: str) -> str:
    targets = ", ".join(qubit.format(index) for index in gate.qubits)
    terms = [repr(gate.angle)] if gate.angle or not gate.parameter else []
    terms += [f"{gate.factor!r}*{gate.parameter}"] if gate.parameter else []
    angle = "" if gate.name in FIXED else f"({' + '.join(terms)})"
    return f"{gate.name}{angle} {targets};"


def _definition(name: str) -> str:
    """Return the gate in terms of stdgates.inc: its own two-CX form on qubits q0 and q1."""
    pair = CircuitSpec(2, (Gate(name, (0, 1), factor=1.0, parameter="t"),), ("t",))
    body = " ".join(_statement(gate, "q{}") for gate in to_basis(pair).gates)
    return f"gate {name}(t) q0, q1 {{ {body} }}"
