"""Compiled loop of one two-qubit step on a density matrix in the Pauli basis.

The array is flat, (4^n,) floats; digit k of an index, in base 4, is the Pauli of qubit k. A step
reads and writes it once: of up to STRETCH settings of the other qubits at a time, all sixteen
entries of the pair are copied to where they stay in the cache.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, Integers, compiled, inlined

STRETCH = 256
"""Settings worked on at a time; sixteen entries of each are 32 KiB."""
_CONTIGUOUS = 256


@compiled
def step(
    state: Floats,
    digits: tuple[int, int],
    maps: Floats,
    sources: Integers,
    weights: Floats,
    room: Floats,
    places: Integers,
) -> None:
    """Apply one-qubit maps to two qubits, then a two-qubit map of at most two terms per row.

    Args:
        state: (4^n,), changed in place.
        digits: of the two qubits, the lower one first.
        maps: (2, 4, 4), on the low and on the high qubit.
        sources, weights: (16, 2): entry 4 h + l becomes the sum over t of weights[., t] times
            entry sources[., t].
        room, places: scratch (2, 16, STRETCH) and (STRETCH,).
    """
    low, high = 1 << 2 * digits[0], 1 << 2 * digits[1]
    settings = len(state) // 16
    together = low >= _CONTIGUOUS
    length = min(low if together else settings, STRETCH)
    first, second = room[0], room[1]
    for begin in range(0, settings, length):
        for k in range(1 if together else length):  # two zero digits go between those of a setting
            at = begin + k
            at = ((at & -low) << 2) | (at & (low - 1))
            places[k] = ((at & -high) << 2) | (at & (high - 1))
        for i in range(16):
            offset = (i // 4) * high + (i % 4) * low
            target = first[i, :length]
            if together:
                source = state[places[0] + offset : places[0] + offset + length]
                for k in range(length):
                    target[k] = source[k]
            else:
                for k in range(length):
                    target[k] = state[places[k] + offset]
        for h in range(4):
            _map(first, second, maps[0], 4 * h, 1, length)
        for part in range(4):
            _map(second, first, maps[1], part, 4, length)
        for i in range(16):
            offset = (i // 4) * high + (i % 4) * low
            p, q = weights[i, 0], weights[i, 1]
            a, b = first[sources[i, 0], :length], first[sources[i, 1], :length]
            target = second[i, :length]
            if q == 0.0:
                for k in range(length):
                    target[k] = p * a[k]
            else:
                for k in range(length):
                    target[k] = p * a[k] + q * b[k]
            if together:
                found = state[places[0] + offset : places[0] + offset + length]
                for k in range(length):
                    found[k] = target[k]
            else:
                for k in range(length):
                    state[places[k] + offset] = target[k]


@inlined
def _map(source: Floats, target: Floats, matrix: Floats, at: int, apart: int, length: int) -> None:
    """Write a map of the four rows at, at + apart, ... of `source` to those of `target`."""
    a, b = source[at, :length], source[at + apart, :length]
    c, d = source[at + 2 * apart, :length], source[at + 3 * apart, :length]
    for i in range(4):
        p, q, r, s = matrix[i, 0], matrix[i, 1], matrix[i, 2], matrix[i, 3]
        row = target[at + i * apart, :length]
        for k in range(length):
            row[k] = p * a[k] + q * b[k] + r * c[k] + s * d[k]
