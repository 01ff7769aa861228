"""Compiled loop of the transverse-field mixer over all 2^n states.

Arrays are flat and hold floats, (real, imaginary) by turns. The states carry the phase i^(number of
ones), in which frame X reads Y and the mixer is a real rotation. However many qubits there are, a
layer reads and writes the state two or three times: once in blocks that stay in the cache, for the
low qubits, and once for every five high qubits, in bundles of distant rows.
"""

from __future__ import annotations

from qfl.simulators.kernels import Floats, compiled, inlined, summing

BUNDLE = 1 << 15
"""Floats worked on at a time: 256 KiB in double precision, inside a second-level cache."""
_ROWS = 1 << 5
_STRETCH = 1 << 9


@compiled
def flip(states: Floats, cos: Floats, sin: Floats, overlaps: Floats, bundle: Floats) -> None:
    """Apply exp(-i beta Y) to every qubit of states (m, floats), m = 1 or 2.

    Args:
        cos, sin: of beta, for each float of a row of columns.
        overlaps: with m = 2 states psi, lam: takes Im<lam|sum Y|psi>, split over those floats.
        bundle: scratch (m, max(BUNDLE, 32 len(cos))).
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
                half = stretch
                while half < rows * stretch:
                    if len(states) == 2:
                        _overlaps(
                            bundle[0, : rows * stretch], bundle[1, : rows * stretch], half, overlaps
                        )
                    for m in range(len(states)):
                        _flip(bundle[m, : rows * stretch], half, cos, sin)
                    half *= 2
                for m in range(len(states)):
                    for row in range(rows * stretch // length):
                        source = bundle[m, row * length : (row + 1) * length]
                        target = states[m, start + row * stride : start + row * stride + length]
                        for i in range(length):
                            target[i] = source[i]
        stride *= rows
        rows = min(_ROWS, size // stride)
        stretch = min(stride, max(_STRETCH, stretch))


@inlined
def _flip(part: Floats, half: int, cos: Floats, sin: Floats) -> None:
    """Flip the qubit whose 0 and 1 lie `half` floats apart."""
    width, c, s = len(cos), cos[0], sin[0]
    if half <= 8 and width == 2:  # too short for slices
        apart = half // 2
        for pair in range(len(part) // 4):
            i = 2 * (2 * pair - (pair & (apart - 1)))
            p, q, u, v = part[i], part[i + 1], part[i + half], part[i + half + 1]
            part[i], part[i + 1] = c * p - s * u, c * q - s * v
            part[i + half], part[i + half + 1] = c * u + s * p, c * v + s * q
    else:
        for at in range(0, len(part), 2 * half):
            x, y = part[at : at + half], part[at + half : at + 2 * half]
            if width == 2:
                for i in range(half):
                    p, u = x[i], y[i]
                    x[i], y[i] = c * p - s * u, c * u + s * p
            else:
                for row in range(0, half, width):
                    one, two = x[row : row + width], y[row : row + width]
                    for i in range(width):
                        p, u = one[i], two[i]
                        one[i], two[i] = cos[i] * p - sin[i] * u, cos[i] * u + sin[i] * p


@summing
def _overlaps(psi: Floats, lam: Floats, half: int, overlaps: Floats) -> None:
    """Add Im<lam|Y|psi> of that qubit to `overlaps`."""
    width = len(overlaps)
    if width == 2:
        total = 0.0
        if half <= 8:
            apart = half // 2
            for pair in range(len(psi) // 4):
                i = 2 * (2 * pair - (pair & (apart - 1)))
                j = i + half
                total += psi[i] * lam[j] - psi[j] * lam[i]
                total += psi[i + 1] * lam[j + 1] - psi[j + 1] * lam[i + 1]
        else:
            for at in range(0, len(psi), 2 * half):
                x, y = psi[at : at + half], psi[at + half : at + 2 * half]
                u, v = lam[at : at + half], lam[at + half : at + 2 * half]
                for i in range(half):
                    total += x[i] * v[i] - y[i] * u[i]
        overlaps[0] += total
        return
    for at in range(0, len(psi), 2 * half):
        for row in range(at, at + half, width):
            x, y = psi[row : row + width], psi[row + half : row + half + width]
            u, v = lam[row : row + width], lam[row + half : row + half + width]
            for i in range(width):
                overlaps[i] += x[i] * v[i] - y[i] * u[i]
