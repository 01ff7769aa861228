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

from qfl.simulators.kernels import Floats, compiled, cos_sin
from qfl.simulators.vectors import WIDTH, back, evens, front, load, odds, spread, store

LANES = WIDTH
ROW = 2 * LANES
"""Floats of a row."""


@compiled
def run(
    psi: Floats,
    start: Floats,
    costs: Floats,
    near: int,
    far: int,
    turns: Floats,
    tans: Floats,
    means: Floats,
) -> None:
    """Write final states to psi (rows * ROW,), (real, imaginary) by turns, and add mean costs.

    Args:
        start: (rows * 2,) the state that all lanes start from.
        costs: (rows,).
        near, far: qubits of a block of the first and of the second level.
        turns: (layers, 2, LANES) gammas, and the factor of a layer; a layer or more.
        tans: (layers, LANES) of beta.
        means: (LANES,) takes the mean costs.
    """
    for layer in range(len(turns)):
        for at in range(0, len(costs), 1 << near):
            end = at + (1 << near)
            part = psi[at * ROW : end * ROW]
            if layer == 0:
                _fill(part, start[2 * at : 2 * end])
            _turn(part, costs[at:end], turns[layer])
            _flip(part, 0, tans[layer])
            if end & ((1 << far) - 1) == 0:
                _flip(psi[(end - (1 << far)) * ROW : end * ROW], near, tans[layer])
        _flip(psi, far, tans[layer])
    _measure(psi, costs, means)


@compiled
def run_back(
    psi: Floats,
    lam: Floats,
    costs: Floats,
    near: int,
    far: int,
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
    _part(psi)
    _part(lam)
    for layer in range(len(turns) - 1, -1, -1):
        _flip_back(psi, lam, far, tans[layer], found[layer])
        for at in range(0, len(costs), 1 << near):
            if at & ((1 << far) - 1) == 0:
                end = at + (1 << far)
                p, q = psi[at * ROW : end * ROW], lam[at * ROW : end * ROW]
                _flip_back(p, q, near, tans[layer], found[layer])
            end = at + (1 << near)
            p, q = psi[at * ROW : end * ROW], lam[at * ROW : end * ROW]
            _flip_back(p, q, 0, tans[layer], found[layer])
            _turn_back(p, q, costs[at:end], turns[layer], found[layer])


@compiled
def _fill(psi: Floats, start: Floats) -> None:
    """Set every lane to `start`."""
    for row in range(len(start) // 2):
        store(psi, row * ROW, spread(start[2 * row]))
        store(psi, row * ROW + LANES, spread(start[2 * row + 1]))


@compiled
def _turn(psi: Floats, costs: Floats, turn: Floats) -> None:
    """Multiply by the factors and exp(-i gamma cost)."""
    gammas, factors = load(turn[0], 0), load(turn[1], 0)
    for row in range(len(costs)):
        cos, sin = cos_sin(gammas * costs[row], factors)
        x, y = load(psi, row * ROW), load(psi, row * ROW + LANES)
        store(psi, row * ROW, x * cos + y * sin)
        store(psi, row * ROW + LANES, y * cos - x * sin)


@compiled
def _flip(psi: Floats, qubit: int, tangents: Floats) -> None:
    """Apply 1 - i tan Y to the qubits of psi from `qubit` on, two at a time."""
    half, tans = ROW << qubit, load(tangents, 0)
    while 4 * half <= len(psi):
        for at in range(0, len(psi), 4 * half):
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
    if half < len(psi):
        for i in range(0, half, LANES):
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
def _turn_back(psi: Floats, lam: Floats, costs: Floats, turn: Floats, found: Floats) -> None:
    """Do `_turn` on both; add Im<lam|cost|psi> before it."""
    gammas, factors = load(turn[0], 0), load(turn[1], 0)
    total = load(found[0], 0)
    for row in range(len(costs)):
        cos, sin = cos_sin(gammas * costs[row], factors)
        real, imag = row * ROW, row * ROW + LANES
        x, y, u, v = load(psi, real), load(psi, imag), load(lam, real), load(lam, imag)
        x, y = x * cos + y * sin, y * cos - x * sin
        u, v = u * cos + v * sin, v * cos - u * sin
        total = total + costs[row] * (u * y - v * x)
        store(psi, real, x)
        store(psi, imag, y)
        store(lam, real, u)
        store(lam, imag, v)
    store(found[0], 0, total)


@compiled
def _flip_back(psi: Floats, lam: Floats, qubit: int, tangents: Floats, found: Floats) -> None:
    """Do `_flip` on both; add Im<lam|Y|psi> of every pair of qubits before it.

    The overlaps of two qubits follow from the four amplitudes of psi and lam over their states.
    """
    half, tans = ROW << qubit, load(tangents, 0)
    while 4 * half <= len(psi):
        total = load(found[1 + qubit], 0)
        for at in range(0, len(psi), 4 * half):
            for i in range(at, at + half, LANES):
                a, b = load(psi, i), load(psi, i + half)
                c, d = load(psi, i + 2 * half), load(psi, i + 3 * half)
                p, q = load(lam, i), load(lam, i + half)
                r, s = load(lam, i + 2 * half), load(lam, i + 3 * half)
                total = total + ((a - d) * (q + r) + (b + c) * (s - p))
                a, b, c, d = a - tans * b, b + tans * a, c - tans * d, d + tans * c
                p, q, r, s = p - tans * q, q + tans * p, r - tans * s, s + tans * r
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
    if half < len(psi):
        total = load(found[1 + qubit], 0)
        for i in range(0, half, LANES):
            a, b, p, q = load(psi, i), load(psi, i + half), load(lam, i), load(lam, i + half)
            total = total + (a * q - b * p)
            store(psi, i, a - tans * b)
            store(psi, i + half, b + tans * a)
            store(lam, i, p - tans * q)
            store(lam, i + half, q + tans * p)
        store(found[1 + qubit], 0, total)
