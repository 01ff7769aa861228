"""The W state: one excitation shared equally by m qubits, in 2 (m - 1) two-qubit gates.

Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, sqrt

from circuits.spec import CircuitSpec, Gate


def spread(qubits: Sequence[int]) -> tuple[Gate, ...]:
    """Return the gates that share an excitation of `qubits[0]` equally among all `qubits`.

    Every gate conserves the number of ones. The tree has m - 1 rotations in about log2(m) rounds.
    """
    m = len(qubits)
    if m < 2:
        return ()
    left, right = qubits[: (m + 1) // 2], qubits[(m + 1) // 2 :]
    share = Gate("givens", (left[0], right[0]), angle=2 * acos(sqrt(len(left) / m)))
    return (share, *spread(left), *spread(right))


def circuit(n: int) -> CircuitSpec:
    """Return the circuit of (|10...0> + ... + |0...01>) / sqrt(n); O(n) gates.

    >>> circuit(8).resources()
    Resources(qubits=8, depth=6, two_qubit_gates=14)
    """
    if n < 1:
        raise ValueError(f"a W state needs at least one qubit, got {n}")
    qubits = tuple(range(n))
    return CircuitSpec(n, (Gate("x", (0,)), *spread(qubits)), measured=qubits)
