"""Dense two-qubit interactions on a line: the odd-even transposition network.

In `brickwork` order n rounds of neighbouring swaps reverse the line and every pair meets once. A
phase layer commutes, so two of the rounds can do without their swaps (`phase_network`).
Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuits.spec import Gate

Pairs = tuple[tuple[int, int], ...]


def brickwork(n: int) -> tuple[Pairs, ...]:
    """Return n rounds of disjoint pairs (a, b), a < b; together every pair of 0..n-1 once.

    Round r holds the pairs that are neighbours at positions (i, i+1), i = r mod 2, on a line where
    every pair that met has also been swapped: the order a SWAP network imposes, and n layers deep.

    >>> brickwork(4)
    (((0, 1), (2, 3)), ((0, 3),), ((1, 3), (0, 2)), ((1, 2),))
    """
    line = list(range(n))
    rounds = []
    for step in range(n):
        met = []
        for i in range(step % 2, n - 1, 2):
            met.append((min(line[i : i + 2]), max(line[i : i + 2])))
            line[i], line[i + 1] = line[i + 1], line[i]
        rounds.append(tuple(met))
    return tuple(rounds)


def packed_pairs(couplings: NDArray[np.float64]) -> Pairs:
    """Return the coupled pairs ordered so that disjoint ones are neighbours: a shallow layer.

    Phases commute, so any order is right. Every pair goes to the first round where both its qubits
    are free; a dense cost takes n rounds, a chain two.

    >>> packed_pairs(np.diag([1.0, 1.0, 1.0], k=1))
    ((0, 1), (2, 3), (1, 2))
    """
    rounds: list[list[tuple[int, int]]] = []
    busy: list[set[int]] = []
    for pair in (pair for pairs in brickwork(len(couplings)) for pair in pairs):
        if couplings[pair]:
            first = next((r for r, used in enumerate(busy) if used.isdisjoint(pair)), len(busy))
            if first == len(busy):
                rounds.append([])
                busy.append(set())
            rounds[first].append(pair)
            busy[first].update(pair)
    return tuple(pair for pairs in rounds for pair in pairs)


def phase_network(
    couplings: NDArray[np.float64], line: Sequence[int], gamma: str
) -> tuple[tuple[Gate, ...], tuple[int, ...]]:
    """Return a phase layer on neighbours only, and the order in which it leaves the variables.

    All n(n-1)/2 pairs interact within n rounds, n - 2 of which swap. An rzz that is followed by a
    swap costs 3 CX in all; pairs without a coupling are only swapped.

    Args:
        couplings: (n, n) Ising couplings, strictly upper triangular.
        line: the variable at each position, which is also the qubit; gates act on positions.
        gamma: name of the angle.

    >>> gates, line = phase_network(np.triu(np.ones((3, 3)), 1), (0, 1, 2), "gamma_1")
    >>> line, sum(len(gate.qubits) == 2 for gate in gates)
    ((0, 2, 1), 5)
    """
    n = len(line)
    order = list(line)
    rounds = [(0, False)] + [((step + 1) % 2, step < n - 2) for step in range(n - 1)]
    gates: list[Gate] = []
    for parity, swapped in rounds:
        for i in range(parity, n - 1, 2):
            a, b = sorted(order[i : i + 2])
            angle = 2 * float(couplings[a, b])
            gates += interact((i, i + 1), angle, gamma, swapped)
            if swapped:
                order[i], order[i + 1] = order[i + 1], order[i]
    return tuple(gates), tuple(order)


def interact(qubits: tuple[int, int], angle: float, gamma: str, swapped: bool) -> list[Gate]:
    """Return rzz(angle gamma) and swap, either of which may be absent; together they take 3 CX."""
    if not swapped:
        return [Gate("rzz", qubits, factor=angle, parameter=gamma)] if angle else []
    if not angle:
        return [Gate("swap", qubits)]
    return [
        Gate("cx", qubits),
        Gate("rz", qubits[1:], factor=angle, parameter=gamma),
        Gate("cx", qubits[::-1]),
        Gate("cx", qubits),
    ]
