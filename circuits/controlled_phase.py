"""A phase on the all-ones state of many qubits, from one- and two-qubit gates and no ancilla.

Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from circuits.spec import Gate

_LADDER_LIMIT = 6  # 2^m - 2 CX against about 4 m^2: the parity ladder is shorter up to here


def phase_on_ones(
    qubits: Sequence[int], *, angle: float = 0.0, factor: float = 0.0, parameter: str = ""
) -> tuple[Gate, ...]:
    """Return the gates of |1...1> -> exp(i t) |1...1>, t = angle + factor * parameter.

    All other basis states keep their phase, up to a global one.

    >>> [str(gate) for gate in phase_on_ones((0, 2), angle=1.0)]
    ['rz(0.5) 0', 'rz(0.5) 2', 'rzz(-0.5) 0 2']
    """
    unit = Gate("rz", (), angle, factor, parameter)
    if len(qubits) == 2:
        return tuple(_controlled_phase(unit, qubits[0], qubits[1], 1.0))
    ladder = _parity_ladder if len(qubits) <= _LADDER_LIMIT else _linear_depth
    return tuple(ladder(unit, qubits))


def _controlled_phase(unit: Gate, control: int, target: int, share: float) -> list[Gate]:
    """Return the phase `share * unit` on |11>."""
    return [
        unit.turn("rz", (control,), share / 2),
        unit.turn("rz", (target,), share / 2),
        unit.turn("rzz", (control, target), -share / 2),
    ]


def _controlled_rx(angle: float, control: int, target: int) -> list[Gate]:
    return [
        Gate("rx", (target,), angle / 2),
        Gate("h", (target,)),
        Gate("rzz", (control, target), -angle / 2),
        Gate("h", (target,)),
    ]


def _parity_ladder(unit: Gate, qubits: Sequence[int]) -> list[Gate]:
    """Return one rz per parity of the qubits, visited in Gray-code order: 2^m - 2 CX.

    The product of m bits is 2^(1-m) times the sum over non-empty S of (-1)^(|S|+1) parity_S.
    """
    share = 2.0 ** (1 - len(qubits))
    gates = []
    for top, target in enumerate(qubits):
        gates.append(unit.turn("rz", (target,), share))
        for step in range(1, 2**top):
            flipped = (step & -step).bit_length() - 1
            gates.append(Gate("cx", (qubits[flipped], target)))
            ones = (step ^ (step >> 1)).bit_count()
            gates.append(unit.turn("rz", (target,), share * (-1) ** ones))
        if top:
            gates.append(Gate("cx", (qubits[top - 1], target)))
    return gates


def _linear_depth(unit: Gate, qubits: Sequence[int]) -> list[Gate]:
    """Return about 2 m^2 controlled rotations in O(m) depth.

    Reference: da Silva and Park, arXiv:2203.11882, theorem 1.
    """
    m = len(qubits)
    return [
        *_staircase(unit, qubits, m, 1),
        *_staircase(unit, qubits, m, -1),
        *_staircase(None, qubits, m - 1, 1),
        *_staircase(None, qubits, m - 1, -1),
    ]


def _staircase(unit: Gate | None, qubits: Sequence[int], size: int, sign: int) -> list[Gate]:
    """Return one pass over the first `size` qubits; `unit` is what its last qubit receives."""
    pairs = [(c, t) for t in range(size) for c in range(0 if sign == 1 else 1, t)]
    pairs.sort(key=sum, reverse=sign == 1)
    gates: list[Gate] = []
    for control, target in pairs:
        share = sign / 2.0 ** (target - control - (control == 0))
        if unit is not None and target == size - 1:
            gates += _controlled_phase(unit, qubits[control], qubits[target], share)
        else:
            share = -share if unit is None and control == 0 else share
            gates += _controlled_rx(pi * share, qubits[control], qubits[target])
    return gates
