"""XY mixers on a line of qubits: cost and mixer both go through the SWAP network.

Each of the two reverses the line, so a layer ends where it began. An interaction and the swap
after it share three CX. Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from math import pi

from circuits.dicke import preparation
from circuits.qaoa import QaoaAnsatz, ising
from circuits.spec import CircuitSpec, Gate
from circuits.swap_network import interact

Line = list[int]


def xy_line_circuit(ansatz: QaoaAnsatz) -> CircuitSpec:
    """Return the circuit of an "xy_trotter" ansatz of one block, its layers between neighbours.

    The same operators in the same order as `circuits.qaoa.circuit`, so the same state; 3 n (n - 1)
    CX per layer whatever the couplings. The Dicke state is prepared as always: most of its gates
    join neighbours or next neighbours.

    Raises:
        ValueError: another mixer, several blocks or a warm start.

    >>> import numpy as np
    >>> couplings = np.triu(np.ones((6, 6)), 1)
    >>> dense = QaoaAnsatz(0.0, np.ones(6), couplings, "xy_trotter", 1, ((tuple(range(6)), 2),))
    >>> xy_line_circuit(dense).resources().two_qubit_gates
    120
    """
    changed = ansatz.initial is not None or ansatz.order is not None
    if ansatz.mixer != "xy_trotter" or len(ansatz.blocks) != 1 or changed:
        raise ValueError(
            f"only mixer 'xy_trotter' on one block is laid out on a line with its swaps, got "
            f"{ansatz.mixer!r} on {len(ansatz.blocks)} blocks"
            f"{' with a warm start or an order of its own' if changed else ''}; use circuit()"
        )
    fields, couplings = ising(ansatz)
    ((variables, ones),) = ansatz.blocks
    line = list(variables)
    gates = list(preparation(range(ansatz.n), ones).gates)
    for layer in range(1, ansatz.depth + 1):
        gamma, beta = f"gamma_{layer}", f"beta_{layer}"
        gates += [
            Gate("rz", (place,), factor=2 * float(fields[variable]), parameter=gamma)
            for place, variable in enumerate(line)
            if fields[variable]
        ]
        for place in _swapped_places(line, 0):
            a, b = sorted(line[place : place + 2])
            angle = 2 * float(couplings[a, b])
            gates += interact((place, place + 1), angle, gamma, swapped=True)
            line[place : place + 2] = line[place + 1], line[place]
        # the reversed line meets the mixer's pairs in their own order from this end
        for place in _swapped_places(line, len(line) % 2):
            gates += _mix((place, place + 1), beta)
            line[place : place + 2] = line[place + 1], line[place]
    kinds = ("gamma", "beta")
    names = tuple(f"{kind}_{k}" for kind in kinds for k in range(1, ansatz.depth + 1))
    measured = tuple(line.index(variable) for variable in range(ansatz.n))
    return CircuitSpec(ansatz.n, tuple(gates), names, measured)


def _swapped_places(line: Line, first: int) -> list[int]:
    """Return the left places of the swaps that reverse a line, the first round at `first`."""
    n = len(line)
    return [i for step in range(n) for i in range((first + step) % 2, n - 1, 2)]


def _mix(qubits: tuple[int, int], beta: str) -> list[Gate]:
    """Return xxplusyy(2 beta) and a swap in three CX.

    Reference: Vatan and Williams, quant-ph/0308006, figure 6, with its first rotation gone: the
    ZZ angle of a swap is the one where it vanishes.
    """
    first, second = qubits[:1], qubits[1:]
    return [
        Gate("rz", first, -pi / 2),
        Gate("cx", qubits[::-1]),
        Gate("ry", second, factor=1.0, parameter=beta),
        Gate("cx", qubits),
        Gate("ry", second, factor=-1.0, parameter=beta),
        Gate("cx", qubits[::-1]),
        Gate("rz", second, pi / 2),
    ]
