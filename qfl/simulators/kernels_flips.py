"""Compiled loops of the transverse-field mixer over all 2^n states of one angle set.

Arrays are flat and hold floats, (real, imaginary) by turns. The states carry the phase i^(number of
ones), in which frame X reads Y and the mixer is a real rotation. A layer reads and writes the state
twice, up to 22 qubits: once in blocks that stay in the cache, for the low qubits, and once in
bundles of up to 256 distant rows, for the high ones.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, Integers, compiled, give, take
from qfl.simulators.vectors import WIDTH, fours, load, store, twos

BUNDLE = 1 << 15
"""Floats worked on at a time: 256 KiB in double precision, inside a second-level cache."""
ROWS = 1 << 8
"""Rows of a bundle at most."""


@compiled
def flip(psi: Floats, groups: Integers, cos: float, sin: float, bundle: Floats) -> None:
    """Apply exp(-i beta Y) to every qubit; cos and sin are those of beta.

    Args:
        groups: (m, 4) for each group of qubits the rows of a bundle, the floats from one row to the
            next, those to take, and those between 0 and 1 of the lowest qubit. The low qubits lie
            side by side: one row that is all taken.
        bundle: scratch (BUNDLE,).
    """
    for group in range(len(groups)):
        rows, size, stretch, half = groups[group]
        for first in range(0, len(psi), rows * size):
            for start in range(first, first + size, stretch):
                part = psi[start : start + stretch] if rows == 1 else bundle[: rows * stretch]
                if rows > 1:
                    take(psi, start, size, stretch, part)
                _flip(part, half, cos, sin)
                if rows > 1:
                    give(psi, start, size, stretch, part)


@compiled
def flip_back(
    psi: Floats, lam: Floats, half: int, ratios: Floats, signs: Floats, found: Floats
) -> None:
    """Undo `flip` on psi and lam, for the qubits whose 0 and 1 lie `half` floats or more apart.

    Args:
        ratios: (2,) cos and sin of beta.
        signs: (2, WIDTH) of the floats of a vector: + at 0 of the lowest qubit, - at 1; then of the
            next qubit.
        found: (WIDTH,) takes Im<lam|Y|psi> of these qubits, over and over.
    """
    _overlaps(psi, lam, half, signs, found)
    for states in (psi, lam):
        _flip(states, half, ratios[0], -ratios[1])


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
def _overlaps(psi: Floats, lam: Floats, half: int, signs: Floats, found: Floats) -> None:
    """Add Im<lam|Y|psi> over all qubits whose 0 and 1 lie `half` floats or more apart.

    The two lowest exchange floats of a vector. The others come two at a time, from the four
    amplitudes a, b, c, d of psi and p, q, r, s of lam over their states.
    """
    total = load(found, 0)
    if half == 2:
        near, far = load(signs[0], 0), load(signs[1], 0)
        for i in range(0, len(psi), WIDTH):
            v = load(lam, i)
            total = total + load(psi, i) * (near * twos(v, v) + far * fours(v, v))
        half = WIDTH
    while 4 * half <= len(psi):
        for at in range(0, len(psi), 4 * half):
            for i in range(at, at + half, WIDTH):
                a, b = load(psi, i), load(psi, i + half)
                c, d = load(psi, i + 2 * half), load(psi, i + 3 * half)
                p, q = load(lam, i), load(lam, i + half)
                r, s = load(lam, i + 2 * half), load(lam, i + 3 * half)
                total = total + ((a - d) * (q + r) + (b + c) * (s - p))
        half *= 4
    if half < len(psi):
        for i in range(0, half, WIDTH):
            a, b, p, q = load(psi, i), load(psi, i + half), load(lam, i), load(lam, i + half)
            total = total + (a * q - b * p)
    store(found, 0, total)
