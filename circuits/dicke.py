"""Dicke states: k ones shared equally by m qubits, in O(km) two-qubit gates and O(m) depth.

The preparation starts in a basis state, `excited`, and spreads it with gates that conserve the
number of ones, so its inverse finds the Dicke state among all states of that weight by looking at
the excited qubits alone; the Grover mixer needs exactly that.
Only numpy and `circuits` may be imported here.

Reference: Baertschi and Eidenbenz, arXiv:1904.07358, section 2 (split-and-cycle-shift).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, sqrt

from circuits import w_state
from circuits.spec import CircuitSpec, Gate


@dataclass(frozen=True, slots=True)
class Preparation:
    """How to make a state: flip the `excited` qubits, then apply `spread`."""

    excited: tuple[int, ...]
    spread: tuple[Gate, ...]

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates, from |0...0>."""
        return (*(Gate("x", (qubit,)) for qubit in self.excited), *self.spread)


def preparation(qubits: Sequence[int], k: int) -> Preparation:
    """Return how to make the equal superposition of all states of `qubits` with k ones.

    At most min(k, m - k) qubits are excited: for k > m/2 the zeros are spread instead.

    Raises:
        ValueError: k is not in 0..m.
    """
    m = len(qubits)
    if not 0 <= k <= m:
        raise ValueError(f"cannot place {k} ones on {m} qubits; k must lie in 0..{m}")
    if 2 * k > m:
        zeros = preparation(qubits, m - k)
        return Preparation(zeros.excited, (*zeros.spread, *(Gate("x", (q,)) for q in qubits)))
    if k == 0:
        return Preparation((), ())
    if k == 1:
        return Preparation((qubits[0],), w_state.spread(qubits))
    steps = (_split_and_shift(qubits[:size], min(k, size - 1)) for size in range(m, 1, -1))
    return Preparation(tuple(qubits[m - k :]), tuple(gate for step in steps for gate in step))


def circuit(n: int, k: int) -> CircuitSpec:
    """Return the circuit of the Dicke state of n qubits with k ones.

    >>> circuit(6, 2).resources().two_qubit_gates
    30
    """
    qubits = tuple(range(n))
    return CircuitSpec(n, preparation(qubits, k).gates, measured=qubits)


def _split_and_shift(qubits: Sequence[int], k: int) -> list[Gate]:
    """Return |0..0 1^l> -> sqrt(l/m) |0..0 1^l> + sqrt(1-l/m) |0..0 1^l 0> for every l <= k.

    Step l moves the last qubit's one to qubit m-1-l, provided qubit m-l holds one. On the states
    that occur, qubit m-1-l can hold one only if qubit m-l does, so one of the two CZ that would
    control the rotation is a plain Z: 5 two-qubit gates, as in the paper.
    """
    m = len(qubits)
    last = qubits[-1]
    gates = [Gate("givens", (last, qubits[-2]), angle=2 * acos(sqrt(1 / m)))]
    for ones in range(2, k + 1):
        half = acos(sqrt(ones / m))
        target, control = qubits[m - 1 - ones], qubits[m - ones]
        gates += [
            Gate("z", (target,)),
            Gate("givens", (last, target), angle=-half),
            Gate("cz", (control, target)),
            Gate("givens", (last, target), angle=half),
        ]
    return gates
