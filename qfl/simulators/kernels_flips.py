"""Compiled loop of the transverse-field mixer over all 2^n states.

Arrays are flat and hold floats, (real, imaginary) by turns. The states carry the phase i^(number of
ones), in which frame X reads Y and the mixer is a real rotation. A layer reads and writes the state
twice, up to 22 qubits: once in blocks that stay in the cache, for the low qubits, and once in
bundles of up to 256 distant rows, for the high ones.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, compiled, inlined, summing

BUNDLE = 1 << 15
"""Floats worked on at a time: 256 KiB in double precision, inside a second-level cache."""
_ROWS = 1 << 8


@compiled
def flip(states: Floats, cos: Floats, sin: Floats, overlaps: Floats, bundle: Floats) -> None:
    """Apply exp(-i beta Y) to every qubit of states (m, floats), m = 1 or 2.

    Args:
        cos, sin: of beta, for each float of a row of columns.
        overlaps: with m = 2 states psi, lam: takes Im<lam|sum Y|psi>, split over those floats.
        bundle: scratch (m, max(BUNDLE, 256 len(cos))).
    """
    size = states.shape[1]
    stride = stretch = len(cos)
    rows = 1
    while 2 * rows * stride <= min(BUNDLE, size):
        rows *= 2
    while stride < size:
        length = stretch if stretch < stride else rows * stretch
        for first in range(0, size, rows * stride):
            for start in range(first, first + stride, stretch):
                for m in range(len(states)):
                    for row in range(rows * stretch // length):
                        source = states[m, start + row * stride : start + row * stride + length]
                        target = bundle[m, row * length : (row + 1) * length]
                        for i in range(length):
                            target[i] = source[i]
                if len(states) == 2:
                    _overlaps(bundle[0, : rows * stretch], bundle[1], stretch, overlaps)
                for m in range(len(states)):
                    _flip(bundle[m, : rows * stretch], stretch, cos, sin)
                for m in range(len(states)):
                    for row in range(rows * stretch // length):
                        source = bundle[m, row * length : (row + 1) * length]
                        target = states[m, start + row * stride : start + row * stride + length]
                        for i in range(length):
                            target[i] = source[i]
        stride *= rows
        rows, stretch = min(_ROWS, size // stride), len(cos)
        while 2 * stretch <= min(stride, BUNDLE // rows):
            stretch *= 2


@inlined
def _flip(part: Floats, half: int, cos: Floats, sin: Floats) -> None:
    """Flip the qubits whose 0 and 1 lie `half` floats or more apart, two at a time."""
    width, u, v = len(cos), cos[0], sin[0]
    while 4 * half <= len(part):
        size = half if width == 2 else width
        for at in range(0, len(part), 4 * half):
            for row in range(at, at + half, size):
                a, b = part[row : row + size], part[row + half : row + half + size]
                row += 2 * half
                c, d = part[row : row + size], part[row + half : row + half + size]
                if width == 2:
                    for i in range(size):
                        p, q = u * a[i] - v * b[i], u * b[i] + v * a[i]
                        r, s = u * c[i] - v * d[i], u * d[i] + v * c[i]
                        a[i], c[i] = u * p - v * r, u * r + v * p
                        b[i], d[i] = u * q - v * s, u * s + v * q
                else:
                    for i in range(size):
                        x, y = cos[i], sin[i]
                        p, q = x * a[i] - y * b[i], x * b[i] + y * a[i]
                        r, s = x * c[i] - y * d[i], x * d[i] + y * c[i]
                        a[i], c[i] = x * p - y * r, x * r + y * p
                        b[i], d[i] = x * q - y * s, x * s + y * q
        half *= 4
    if half < len(part):
        for row in range(0, half, width):
            x, y = part[row : row + width], part[row + half : row + half + width]
            for i in range(width):
                p, q = x[i], y[i]
                x[i], y[i] = cos[i] * p - sin[i] * q, cos[i] * q + sin[i] * p


@summing
def _overlaps(psi: Floats, lam: Floats, half: int, overlaps: Floats) -> None:
    """Add Im<lam|Y|psi> to `overlaps`, for all qubits whose 0 and 1 lie `half` or more apart.

    Two qubits at a time, from the four amplitudes a, b, c, d of psi and lam over their states.
    """
    width, total = len(overlaps), 0.0
    while 2 * half < len(psi):
        if half == 2:  # one column, lowest qubits: too short for slices
            for i in range(len(psi) // 8):
                for e in (8 * i, 8 * i + 1):
                    total += (psi[e] - psi[e + 6]) * (lam[e + 2] + lam[e + 4])
                    total += (psi[e + 2] + psi[e + 4]) * (lam[e + 6] - lam[e])
        else:
            for at in range(0, len(psi), 4 * half):
                for row in range(at, at + half, half if width == 2 else width):
                    size = half if width == 2 else width
                    a, p = psi[row : row + size], lam[row : row + size]
                    row += half
                    b, q = psi[row : row + size], lam[row : row + size]
                    row += half
                    c, r = psi[row : row + size], lam[row : row + size]
                    row += half
                    d, s = psi[row : row + size], lam[row : row + size]
                    if width == 2:
                        for i in range(size):
                            total += (a[i] - d[i]) * (q[i] + r[i]) + (b[i] + c[i]) * (s[i] - p[i])
                    else:
                        for i in range(size):
                            overlaps[i] += (a[i] - d[i]) * (q[i] + r[i])
                            overlaps[i] += (b[i] + c[i]) * (s[i] - p[i])
        half *= 4
    if half < len(psi):
        for row in range(0, half, width):
            for i in range(row, row + width):
                overlaps[i - row] += psi[i] * lam[half + i] - psi[half + i] * lam[i]
    overlaps[0] += total
