"""Circuits rewritten in the gates a device has; the reason behind every number in `spec.COST`.

Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from dataclasses import replace
from math import pi

from circuits.spec import Basis, CircuitSpec, Gate


def to_basis(spec: CircuitSpec, basis: Basis = "cz") -> CircuitSpec:
    """Return the same circuit with one-qubit gates and cx, cz (and rzz if `basis` has it) only.

    >>> swap = CircuitSpec(2, (Gate("swap", (0, 1)),))
    >>> [str(gate) for gate in to_basis(swap).gates]
    ['cx 0 1', 'cx 1 0', 'cx 0 1']
    """
    gates = tuple(native for gate in spec.gates for native in _native(gate, basis))
    return replace(spec, gates=gates)


def _native(gate: Gate, basis: Basis) -> tuple[Gate, ...]:
    if gate.name == "swap":
        a, b = gate.qubits
        return Gate("cx", (a, b)), Gate("cx", (b, a)), Gate("cx", (a, b))
    if gate.name == "rzz" and basis == "cz":
        return _rzz(gate)
    if gate.name == "xxplusyy":
        return _xxplusyy(gate) if basis == "cz" else _xxplusyy_fractional(gate)
    if gate.name == "givens":
        second = gate.qubits[1:]
        pair = gate.turn("xxplusyy", gate.qubits)
        return (
            Gate("rz", second, -pi / 2),
            *_native(pair, basis),
            Gate("rz", second, pi / 2),
        )
    return (gate,)


def _rzz(gate: Gate) -> tuple[Gate, ...]:
    cx = Gate("cx", gate.qubits)
    return cx, gate.turn("rz", gate.qubits[1:]), cx


def _xxplusyy(gate: Gate) -> tuple[Gate, ...]:
    """XX + YY turned into XX + ZZ, which a cx maps to X on the first and Z on the second qubit."""
    first, second = gate.qubits[:1], gate.qubits[1:]
    cx = Gate("cx", gate.qubits)
    return (
        *_each("rx", gate.qubits, pi / 2),
        cx,
        gate.turn("rx", first, 0.5),
        gate.turn("rz", second, 0.5),
        cx,
        *_each("rx", gate.qubits, -pi / 2),
    )


def _xxplusyy_fractional(gate: Gate) -> tuple[Gate, ...]:
    """The commuting rotations about XX and YY, each an rzz in a turned frame."""
    half = gate.turn("rzz", gate.qubits, 0.5)
    hadamards = _each("h", gate.qubits)
    into, out = _each("rx", gate.qubits, pi / 2), _each("rx", gate.qubits, -pi / 2)
    return (*hadamards, half, *hadamards, *into, half, *out)


def _each(name: str, qubits: tuple[int, ...], angle: float = 0.0) -> tuple[Gate, ...]:
    return tuple(Gate(name, (qubit,), angle) for qubit in qubits)
