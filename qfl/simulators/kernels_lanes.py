"""Compiled loops of a whole circuit under the transverse field, for eight angle sets at a time.

A row holds one amplitude of every angle set (lane): 16 floats, (real, imaginary) by turns, so that
all loops run along lanes and the lowest qubits cost no more than others. As in `kernels_flips` the
states carry the phase i^(number of ones), in which frame the mixer is a real rotation. Here it is
cos beta (1 - i tan beta Y): one multiply-add per float, and the cosines in one factor per layer.

The qubits form a low and a high group. A sweep takes bundles of rows that differ in one group only
through the cache, finishes one layer there, turns phases and begins the next layer: a circuit of p
layers reads and writes its states p + 1 times.
"""

from __future__ import annotations

import numpy as np

from qfl.simulators.kernels import (
    REACH,
    Floats,
    Integers,
    compiled,
    cos_sin,
    give,
    inlined,
    take,
)

LANES = 8
ROW = 2 * LANES
"""Floats of a row."""


@compiled
def sweep(
    psi: Floats,
    start: Floats,
    costs: Floats,
    step: Integers,
    tans: Floats,
    turns: Floats,
    means: Floats,
    bundle: Floats,
    room: Floats,
) -> None:
    """Take psi (floats,) through one step of a circuit.

    Args:
        start: (2^n * 2,) the state that all lanes start from, if this is the first step.
        costs: (2^n,).
        step: rows of the low group; rows that a bundle of the high group takes from one place, 0
            for the low group; the layers to finish, to turn and to begin, -1 for none; how often
            to apply tangents to finish and to begin; whether to start. To turn one past the last
            layer is to measure.
        tans: (p, REACH) tan beta of the lanes, each twice, over and over.
        turns: (p, 2, REACH) gammas of the lanes, and the factor of a layer, over and over.
        means: (REACH,) takes the mean costs of the lanes, over and over.
        bundle: scratch, the floats of a bundle of the high group.
        room: scratch (REACH + rows of a bundle).
    """
    low, rows = step[0], step[1]
    half, size = max(rows, 1) * ROW, low * ROW
    part, own, wide = bundle, room[REACH:], room[:REACH]
    for at in range(low // rows if rows else len(costs) // low):
        if rows:
            take(psi, at * half, size, half, part)
            take(costs, at * rows, low, rows, own)
        else:
            part, own = psi[at * size : (at + 1) * size], costs[at * low : (at + 1) * low]
        if step[7]:
            _fill(part, start[2 * low * at : 2 * low * (at + 1)])
        for turning in range(3):
            layer = step[2 + turning]
            if turning == 1 and layer == len(turns):
                _measure(part, own, wide, means)
            elif turning == 1:
                _turn(part, own, turns[layer], wide)
            elif layer >= 0:
                for _ in range(step[5 + turning // 2]):
                    _flip(part, half, tans[layer])
        if rows:
            give(psi, at * half, size, half, part)


@compiled
def sweep_back(
    psi: Floats,
    lam: Floats,
    costs: Floats,
    step: Integers,
    tans: Floats,
    turns: Floats,
    found: Floats,
    bundle: Floats,
    room: Floats,
) -> None:
    """Undo one step on psi and lam; arguments as above.

    Args:
        tans: of -beta.
        found: (3, p, REACH) takes, over and over, Im<lam|sum Y|psi> of the group that undoes a
            layer last, Im<lam|cost|psi>, and the first of the group that undoes it first.
        bundle: scratch (2, floats of a bundle of the high group).
    """
    low, rows = step[0], step[1]
    half, size = max(rows, 1) * ROW, low * ROW
    p, q, own, wide = bundle[0], bundle[1], room[REACH:], room[:REACH]
    for at in range(low // rows if rows else len(costs) // low):
        if rows:
            take(psi, at * half, size, half, p)
            take(lam, at * half, size, half, q)
            take(costs, at * rows, low, rows, own)
        else:
            p, q = psi[at * size : (at + 1) * size], lam[at * size : (at + 1) * size]
            own = costs[at * low : (at + 1) * low]
        for turning in range(3):
            layer = step[2 + turning]
            if turning == 1 and layer >= 0:
                _turn_back(p, q, own, turns[layer], wide, found[1, layer])
            elif layer >= 0:
                _overlaps(p, q, half, found[turning, layer])
                for _ in range(step[5 + turning // 2]):
                    _flip(p, half, tans[layer])
                    _flip(q, half, tans[layer])
        if rows:
            give(psi, at * half, size, half, p)
            give(lam, at * half, size, half, q)


@inlined
def _fill(psi: Floats, start: Floats) -> None:
    """Set every lane of psi to `start`."""
    for row in range(len(start) // 2):
        target, x, y = psi[row * ROW : (row + 1) * ROW], start[2 * row], start[2 * row + 1]
        for i in range(LANES):
            target[2 * i], target[2 * i + 1] = x, y


@compiled
def _flip(psi: Floats, half: int, tans: Floats) -> None:
    """Apply 1 - i tan Y to all qubits whose 0 and 1 lie `half` floats or more apart."""
    if half <= 128 and len(psi) >= 1024:
        for at in range(0, len(psi), 1024):
            part = psi[at : at + 1024]
            if half == 16:
                _eight(part, 16, tans)
            _eight(part, 128, tans)
        half = 1024
    if half == 1024 and len(psi) >= 8192:
        _eight(psi, 1024, tans)
        half = 8192
    while half < len(psi):
        size = min(half, REACH)
        for at in range(0, len(psi), 2 * half):
            for row in range(at, at + half, size):
                p, q = psi[row : row + size], psi[row + half : row + half + size]
                for i in range(size):
                    t, a, b = tans[i], p[i], q[i]
                    p[i], q[i] = a - t * b, b + t * a
        half *= 2


@inlined
def _eight(psi: Floats, h: int, tans: Floats) -> None:
    """Do so for the qubits at h, 2 h and 4 h; h must be a number, or no vectors come of it."""
    for at in range(0, len(psi), 8 * h):
        p = psi[at : at + 8 * h]
        for i in range(h):
            t = tans[i]
            a, b, c, d = p[i], p[h + i], p[2 * h + i], p[3 * h + i]
            e, f, g, o = p[4 * h + i], p[5 * h + i], p[6 * h + i], p[7 * h + i]
            a, b, c, d = a - t * b, b + t * a, c - t * d, d + t * c
            e, f, g, o = e - t * f, f + t * e, g - t * o, o + t * g
            a, c, b, d = a - t * c, c + t * a, b - t * d, d + t * b
            e, g, f, o = e - t * g, g + t * e, f - t * o, o + t * f
            p[i], p[4 * h + i] = a - t * e, e + t * a
            p[h + i], p[5 * h + i] = b - t * f, f + t * b
            p[2 * h + i], p[6 * h + i] = c - t * g, g + t * c
            p[3 * h + i], p[7 * h + i] = d - t * o, o + t * d


@inlined
def _widen(costs: Floats, at: int, wide: Floats, size: int) -> None:
    """Write costs from the one of amplitude `at` on, each once per lane."""
    for row in range(size // LANES):
        cost, own = costs[at // LANES + row], wide[LANES * row : LANES * (row + 1)]
        for i in range(LANES):
            own[i] = cost


@compiled
def _turn(psi: Floats, costs: Floats, turn: Floats, wide: Floats) -> None:
    """Multiply by the factors and exp(-i gamma cost)."""
    gammas, factors = turn[0], turn[1]
    size = min(len(psi) // 2, REACH)
    for at in range(0, len(psi) // 2, size):
        _widen(costs, at, wide, size)
        p = psi[2 * at : 2 * (at + size)]
        for s in range(size):
            cos, sin = cos_sin(gammas[s] * wide[s])
            cos, sin = cos * factors[s], sin * factors[s]
            x, y = p[2 * s], p[2 * s + 1]
            p[2 * s], p[2 * s + 1] = x * cos + y * sin, y * cos - x * sin


@compiled
def _measure(psi: Floats, costs: Floats, wide: Floats, means: Floats) -> None:
    """Add <psi|cost|psi>."""
    size = min(len(psi) // 2, REACH)
    for at in range(0, len(psi) // 2, size):
        _widen(costs, at, wide, size)
        p = psi[2 * at : 2 * (at + size)]
        for s in range(size):
            x, y = np.float64(p[2 * s]), np.float64(p[2 * s + 1])
            means[s] += wide[s] * (x * x + y * y)


@compiled
def _turn_back(
    psi: Floats, lam: Floats, costs: Floats, turn: Floats, wide: Floats, found: Floats
) -> None:
    """Multiply by the factors and exp(i gamma cost); add Im<lam|cost|psi>."""
    gammas, factors = turn[0], turn[1]
    size = min(len(psi) // 2, REACH)
    for at in range(0, len(psi) // 2, size):
        _widen(costs, at, wide, size)
        p, q = psi[2 * at : 2 * (at + size)], lam[2 * at : 2 * (at + size)]
        for s in range(size):
            cos, sin = cos_sin(gammas[s] * wide[s])
            cos, sin = cos * factors[s], sin * factors[s]
            x, y, u, v = p[2 * s], p[2 * s + 1], q[2 * s], q[2 * s + 1]
            p[2 * s], p[2 * s + 1] = x * cos - y * sin, y * cos + x * sin
            q[2 * s], q[2 * s + 1] = u * cos - v * sin, v * cos + u * sin
        for s in range(size):
            found[s] += wide[s] * (q[2 * s] * p[2 * s + 1] - q[2 * s + 1] * p[2 * s])


@compiled
def _overlaps(psi: Floats, lam: Floats, half: int, sums: Floats) -> None:
    """Add Im<lam|Y|psi> of all qubits whose 0 and 1 lie `half` floats or more apart to sums.

    Two qubits at a time, from the four amplitudes of psi and lam over their states.
    """
    if half == 16 and len(psi) >= 64:
        _overlaps_at(psi, lam, 16, sums)
        half = 64
    while 4 * half <= len(psi):
        size = min(half, REACH)
        for at in range(0, len(psi), 4 * half):
            for row in range(at, at + half, size):
                a, p = psi[row : row + size], lam[row : row + size]
                row += half
                b, q = psi[row : row + size], lam[row : row + size]
                row += half
                c, r = psi[row : row + size], lam[row : row + size]
                row += half
                d, s = psi[row : row + size], lam[row : row + size]
                for i in range(size):
                    sums[i] += (a[i] - d[i]) * (q[i] + r[i]) + (b[i] + c[i]) * (s[i] - p[i])
        half *= 4
    if half < len(psi):
        size = min(half, REACH)
        for row in range(0, half, size):
            a, p = psi[row : row + size], lam[row : row + size]
            b, q = psi[row + half : row + half + size], lam[row + half : row + half + size]
            for i in range(size):
                sums[i] += a[i] * q[i] - b[i] * p[i]


@inlined
def _overlaps_at(psi: Floats, lam: Floats, h: int, sums: Floats) -> None:
    """Do so for the qubits at h and 2 h floats; h must be a number, or no vectors come of it."""
    for at in range(0, len(psi), 4 * h):
        a, p = psi[at : at + 4 * h], lam[at : at + 4 * h]
        for i in range(h):
            sums[i] += (a[i] - a[3 * h + i]) * (p[h + i] + p[2 * h + i])
            sums[i] += (a[h + i] + a[2 * h + i]) * (p[3 * h + i] - p[i])
