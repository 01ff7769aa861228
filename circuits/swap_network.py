"""Dense two-qubit interactions on a line: the odd-even transposition network.

In `brickwork` order n rounds of neighbouring swaps reverse the line and every pair meets once.
Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

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
