"""Compiled loops of the transverse-field mixer over all 2^n states of one angle set.

Arrays are flat and hold floats, (real, imaginary) by turns. The states carry the phase i^(number of
ones), in which frame X reads Y and the mixer is a real rotation. A layer reads and writes the state
twice, up to 22 qubits: once in blocks that stay in the cache, for the low qubits, and once in
bundles of up to 256 distant rows, for the high ones.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, Integers, compiled, give, summing, take, turn_back

BUNDLE = 1 << 15
"""Floats worked on at a time: 256 KiB in double precision, inside a second-level cache."""
ROWS = 1 << 8
"""Rows of a bundle at most."""


@compiled
def flip(psi: Floats, cos: float, sin: float, bundle: Floats) -> None:
    """Apply exp(-i beta Y) to every qubit; cos and sin are those of beta.

    Args:
        bundle: scratch (1, BUNDLE).
    """
    size, stride, stretch, rows = len(psi), 2, 2, 1
    while 2 * rows * stride <= min(BUNDLE, size):
        rows *= 2
    while stride < size:
        length = stretch if stretch < stride else rows * stretch
        part = bundle[0, : rows * stretch]
        for first in range(0, size, rows * stride):
            if stretch == stride:  # the low qubits lie side by side
                _flip(psi[first : first + rows * stride], stretch, cos, sin)
                continue
            for start in range(first, first + stride, stretch):
                take(psi, start, stride, length, part)
                _flip(part, stretch, cos, sin)
                give(psi, start, stride, length, part)
        stride *= rows
        rows, stretch = min(ROWS, size // stride), 2
        while 2 * stretch <= min(stride, BUNDLE // rows):
            stretch *= 2


@compiled
def undo(
    psi: Floats,
    lam: Floats,
    costs: Floats,
    step: Integers,
    gammas: Floats,
    ratios: Floats,
    found: Floats,
    counts: Floats,
    bundle: Floats,
    own: Floats,
) -> None:
    """Undo on psi and lam, for one group of qubits: end a layer, its phases, and begin the next.

    Args:
        step: rows of a bundle, 1 for the low qubits, and floats between them; the layers to end,
            to turn back and to begin, -1 for none.
        gammas: (p,), and ratios (p, 2), cos and sin of the betas.
        found: (p, 2, 1) takes Im<lam|cost|psi> and Im<lam|sum Y|psi>.
        counts: (2, many) which floats belong to the 0 of the qubit at 2 floats, and at 4.
        bundle: scratch (2, BUNDLE), and `own` (BUNDLE / 2,).
    """
    rows, size = step[0], step[1]
    stretch, p, q = min(size, BUNDLE // rows), bundle[0], bundle[1]
    half = stretch if rows > 1 else min(2, stretch)
    for first in range(0, len(psi), rows * size):
        for start in range(first, first + size, stretch):
            if rows > 1:
                take(psi, start, size, stretch, p)
                take(lam, start, size, stretch, q)
                take(costs, start // 2, size // 2, stretch // 2, own)
            else:
                p, q = psi[start : start + stretch], lam[start : start + stretch]
                own = costs[start // 2 : (start + stretch) // 2]
            for part in range(3):
                layer = step[2 + part]
                if layer >= 0 and part == 1:
                    turn_back(p, q, own, gammas[layer : layer + 1], found[layer, 0], layer == 0)
                elif layer >= 0:
                    _flip_back(p, q, half, ratios[layer], found[layer, 1], counts)
            if rows > 1:
                give(psi, start, size, stretch, p)
                give(lam, start, size, stretch, q)


@compiled
def _flip(part: Floats, half: int, cos: float, sin: float) -> None:
    """Flip the qubits whose 0 and 1 lie `half` floats or more apart, two at a time."""
    while 4 * half <= len(part):
        for at in range(0, len(part), 4 * half):
            a, b = part[at : at + half], part[at + half : at + 2 * half]
            c, d = part[at + 2 * half : at + 3 * half], part[at + 3 * half : at + 4 * half]
            for i in range(half):
                p, q = cos * a[i] - sin * b[i], cos * b[i] + sin * a[i]
                r, s = cos * c[i] - sin * d[i], cos * d[i] + sin * c[i]
                a[i], c[i] = cos * p - sin * r, cos * r + sin * p
                b[i], d[i] = cos * q - sin * s, cos * s + sin * q
        half *= 4
    if half < len(part):
        x, y = part[:half], part[half : 2 * half]
        for i in range(half):
            p, q = x[i], y[i]
            x[i], y[i] = cos * p - sin * q, cos * q + sin * p


@compiled
def _flip_back(
    psi: Floats, lam: Floats, half: int, ratios: Floats, found: Floats, counts: Floats
) -> None:
    """Undo `_flip` on psi and lam; add Im<lam|Y|psi> over its qubits to `found`."""
    if half == 2:
        found[0] += _lowest(psi, lam, counts)
    found[0] += _overlaps(psi, lam, half if half > 2 else 8)
    _flip(psi, half, ratios[0], -ratios[1])
    _flip(lam, half, ratios[0], -ratios[1])


@summing
def _overlaps(psi: Floats, lam: Floats, half: int) -> float:
    """Return Im<lam|Y|psi> over all qubits whose 0 and 1 lie `half` floats or more apart.

    Two qubits at a time, from the four amplitudes a, b, c, d of psi and lam over their states.
    """
    total = 0.0
    while 4 * half <= len(psi):
        for at in range(0, len(psi), 4 * half):
            a, p = psi[at : at + half], lam[at : at + half]
            at += half
            b, q = psi[at : at + half], lam[at : at + half]
            at += half
            c, r = psi[at : at + half], lam[at : at + half]
            at += half
            d, s = psi[at : at + half], lam[at : at + half]
            for i in range(half):
                total += (a[i] - d[i]) * (q[i] + r[i]) + (b[i] + c[i]) * (s[i] - p[i])
        half *= 4
    if half < len(psi):
        for i in range(half):
            total += psi[i] * lam[half + i] - psi[half + i] * lam[i]
    return total


@summing
def _lowest(psi: Floats, lam: Floats, counts: Floats) -> float:
    """Return Im<lam|Y|psi> over the qubits at 2 and 4 floats, too near for slices.

    Takes all products at those distances, of which `counts` (2, size) holds the half that count.
    """
    total, size = 0.0, min(len(psi), counts.shape[1])
    for bit in range(2):
        h, own = 2 << bit, counts[bit]
        for at in range(0, len(psi), size):
            a, p = psi[at : at + size], lam[at : at + size]
            for i in range(size - h):
                total += own[i] * (a[i] * p[h + i] - a[h + i] * p[i])
    return total
