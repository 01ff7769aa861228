"""Compiled loops of a whole circuit under the transverse field, for eight angle sets at a time.

A row holds one amplitude of every angle set (lane): eight real parts, then eight imaginary ones, so
that all loops run along lanes and the lowest qubits cost no more than others. As in `kernels_flips`
the states carry the phase i^(number of ones), in which frame the mixer is a real rotation. Here it
is cos beta (1 - i tan beta Y): one multiply-add per float, and the cosines in one factor per layer.

A layer takes the rows in blocks that fit a first-level cache, each for its phases and the lowest
qubits; the next qubits follow as soon as there are blocks enough to fill the second level, and the
highest ones over all rows.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, Integers, compiled, cos_sin
from qfl.simulators.vectors import WIDTH, back, evens, front, load, odds, spread, store

LANES = WIDTH
ROW = 2 * LANES
"""Floats of a row."""


@compiled
def run(
    psi: Floats,
    start: Floats,
    costs: Floats,
    levels: Integers,
    turns: Floats,
    tans: Floats,
    means: Floats,
) -> None:
    """Write final states to psi (rows * ROW,), (real, imaginary) by turns, and add mean costs.

    Args:
        start: (rows * 2,) the state that all lanes start from.
        costs: (rows,).
        levels: (4,) qubits below the first, the second and the third level, and all of them.
        turns: (layers, 2, LANES) gammas, and the factor of a layer; a layer or more.
        tans: (layers, LANES) of beta.
        means: (LANES,) takes the mean costs.
    """
    block = 1 << levels[1]
    for layer in range(len(turns)):
        for first in range(0, len(costs), block):
            last = first + block
            if layer == 0:
                _fill(psi, first, last, start)
            _turn(psi, first, last, costs, turns[layer])
            for level in range(3):
                size = 1 << levels[level + 1]
                if last & (size - 1) == 0:
                    _flip(psi, last - size, last, levels[level], tans[layer])
    _measure(psi, costs, means)


@compiled
def run_back(
    psi: Floats,
    lam: Floats,
    costs: Floats,
    levels: Integers,
    turns: Floats,
    tans: Floats,
    found: Floats,
) -> None:
    """Undo it on psi and lam, (real, imaginary) by turns, which it uses up.

    Args:
        turns, tans: as above, of -gamma and -beta.
        found: (layers, 1 + qubits, LANES) takes Im<lam|cost|psi>, then Im<lam|Y|psi> of every pair
            of qubits, at the lower one, just before they are undone.
    """
    block = 1 << levels[1]
    _part(psi)
    _part(lam)
    for layer in range(len(turns) - 1, -1, -1):
        own = found[layer]
        for first in range(0, len(costs), block):
            for level in range(2, -1, -1):
                last = first + (1 << levels[level + 1])
                if first & (last - first - 1) == 0:
                    _flip_back(psi, lam, first, last, levels[level], tans[layer], own)
            _turn_back(psi, lam, first, first + block, costs, turns[layer], own)


@compiled
def _fill(psi: Floats, first: int, last: int, start: Floats) -> None:
    """Set every lane of rows first to last - 1 to `start`."""
    for row in range(first, last):
        store(psi, row * ROW, spread(start[2 * row]))
        store(psi, row * ROW + LANES, spread(start[2 * row + 1]))


@compiled
def _turn(psi: Floats, first: int, last: int, costs: Floats, turn: Floats) -> None:
    """Multiply those rows by the factors and exp(-i gamma cost)."""
    gammas, factors = load(turn[0], 0), load(turn[1], 0)
    for row in range(first, last):
        cos, sin = cos_sin(gammas * costs[row], factors)
        x, y = load(psi, row * ROW), load(psi, row * ROW + LANES)
        store(psi, row * ROW, x * cos + y * sin)
        store(psi, row * ROW + LANES, y * cos - x * sin)


@compiled
def _flip(psi: Floats, first: int, last: int, qubit: int, tangents: Floats) -> None:
    """Apply 1 - i tan Y to the qubits of those rows from `qubit` on, two at a time."""
    half, tans = ROW << qubit, load(tangents, 0)
    begin, end = first * ROW, last * ROW
    while begin + 4 * half <= end:
        for at in range(begin, end, 4 * half):
            for i in range(at, at + half, LANES):
                a, b = load(psi, i), load(psi, i + half)
                c, d = load(psi, i + 2 * half), load(psi, i + 3 * half)
                a, b = a - tans * b, b + tans * a
                c, d = c - tans * d, d + tans * c
                store(psi, i, a - tans * c)
                store(psi, i + half, b - tans * d)
                store(psi, i + 2 * half, c + tans * a)
                store(psi, i + 3 * half, d + tans * b)
        half *= 4
    if begin + half < end:
        for i in range(begin, begin + half, LANES):
            a, b = load(psi, i), load(psi, i + half)
            store(psi, i, a - tans * b)
            store(psi, i + half, b + tans * a)


@compiled
def _measure(psi: Floats, costs: Floats, means: Floats) -> None:
    """Add <psi|cost|psi> to `means`; leave (real, imaginary) by turns."""
    total = load(means, 0)
    for row in range(len(costs)):
        x, y = load(psi, row * ROW), load(psi, row * ROW + LANES)
        total = total + costs[row] * (x * x + y * y)
        store(psi, row * ROW, front(x, y))
        store(psi, row * ROW + LANES, back(x, y))
    store(means, 0, total)


@compiled
def _part(psi: Floats) -> None:
    """Make rows of real, then imaginary parts, of (real, imaginary) by turns."""
    for at in range(0, len(psi), ROW):
        one, two = load(psi, at), load(psi, at + LANES)
        store(psi, at, evens(one, two))
        store(psi, at + LANES, odds(one, two))


@compiled
def _turn_back(
    psi: Floats, lam: Floats, first: int, last: int, costs: Floats, turn: Floats, found: Floats
) -> None:
    """Do `_turn` on both; add Im<lam|cost|psi>."""
    gammas, factors = load(turn[0], 0), load(turn[1], 0)
    total = load(found[0], 0)
    for row in range(first, last):
        cos, sin = cos_sin(gammas * costs[row], factors)
        real, imag = row * ROW, row * ROW + LANES
        x, y = load(psi, real), load(psi, imag)
        u, v = load(lam, real), load(lam, imag)
        x, y = x * cos + y * sin, y * cos - x * sin
        u, v = u * cos + v * sin, v * cos - u * sin
        total = total + costs[row] * (u * y - v * x)
        store(psi, real, x)
        store(psi, imag, y)
        store(lam, real, u)
        store(lam, imag, v)
    store(found[0], 0, total)


@compiled
def _flip_back(
    psi: Floats, lam: Floats, first: int, last: int, qubit: int, tangents: Floats, found: Floats
) -> None:
    """Do `_flip` on both; add Im<lam|Y|psi> of every pair of qubits before it.

    The overlaps of two qubits follow from the four amplitudes of psi and lam over their states.
    """
    half, tans = ROW << qubit, load(tangents, 0)
    begin, end = first * ROW, last * ROW
    while begin + 4 * half <= end:
        total = load(found[1 + qubit], 0)
        for at in range(begin, end, 4 * half):
            for i in range(at, at + half, LANES):
                a, b = load(psi, i), load(psi, i + half)
                c, d = load(psi, i + 2 * half), load(psi, i + 3 * half)
                p, q = load(lam, i), load(lam, i + half)
                r, s = load(lam, i + 2 * half), load(lam, i + 3 * half)
                total = total + ((a - d) * (q + r) + (b + c) * (s - p))
                a, b = a - tans * b, b + tans * a
                c, d = c - tans * d, d + tans * c
                p, q = p - tans * q, q + tans * p
                r, s = r - tans * s, s + tans * r
                store(psi, i, a - tans * c)
                store(psi, i + half, b - tans * d)
                store(psi, i + 2 * half, c + tans * a)
                store(psi, i + 3 * half, d + tans * b)
                store(lam, i, p - tans * r)
                store(lam, i + half, q - tans * s)
                store(lam, i + 2 * half, r + tans * p)
                store(lam, i + 3 * half, s + tans * q)
        store(found[1 + qubit], 0, total)
        half, qubit = 4 * half, qubit + 2
    if begin + half < end:
        total = load(found[1 + qubit], 0)
        for i in range(begin, begin + half, LANES):
            a, b = load(psi, i), load(psi, i + half)
            p, q = load(lam, i), load(lam, i + half)
            total = total + (a * q - b * p)
            store(psi, i, a - tans * b)
            store(psi, i + half, b + tans * a)
            store(lam, i, p - tans * q)
            store(lam, i + half, q + tans * p)
        store(found[1 + qubit], 0, total)
