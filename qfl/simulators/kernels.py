"""Compiled loops over states: phases and probabilities.

Arrays are flat and hold floats, (real, imaginary) by turns. Loops are compiled on first use, kept
on disk, and run in the calling thread, which they leave free of the interpreter lock. They have the
slices and forms that the compiler vectorises, or name their vectors. What costs seconds on first
use: a helper that is inlined in the source, and so compiled again in every caller, and a literal
number for an argument, for which the function is compiled once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qfl.simulators.vectors import WIDTH, load, store

Floats = NDArray[Any]
Integers = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])


def _compiled(*fastmath: str) -> Callable[[F], F]:
    decorator: Callable[[F], F] = njit(
        cache=True, nogil=True, no_cfunc_wrapper=True, fastmath={"contract", "nsz", *fastmath}
    )
    return decorator


compiled = _compiled()
summing = _compiled("reassoc")
"""For loops that only add up: sums may be reordered, which vectorises them."""
_REACH = 1024
"""Amplitudes that two loops share while they are in a first-level cache."""
inlined: Callable[[F], F] = njit(inline="always")


@compiled
def cos_sin(x: float, factor: float) -> tuple[float, float]:
    """Return factor cos x and factor sin x, of a float or a `Vector`, to 1e-15 and a rounding of x.

    The compiler does not vectorise calls of the C library; this is over ten times faster. Subtracts
    the nearest multiple of 2 pi (in two parts) and doubles the angle of polynomials for its half,
    which leaves no cases to tell apart. Adding and subtracting 1.5 * 2^52 rounds to an integer,
    unless sums may be reordered; for |x| <= 2^52, which `evolution` makes sure of.
    """
    turns = (x * 0.15915494309189535 + 6755399441055744.0) - 6755399441055744.0
    r = (x - turns * 6.283185307179586) - turns * 2.4492935982947064e-16
    z = r * r
    odd = 1.9603199277139273e-14 + z * (-2.3324663510023025e-17 + z * 2.0763901459598997e-20)
    odd = 5.3822889084420425e-09 + z * (-1.223247406737067e-11 + z * odd)
    odd = 2.6041666666666206e-04 + z * (-1.5500992063444248e-06 + z * odd)
    sin = r * (0.5 + z * (-0.020833333333333332 + z * odd))
    even = 5.096816841278935e-13 + z * (-6.996399139823635e-16 + z * 7.032715213507606e-19)
    even = 9.68812003023551e-08 + z * (-2.691144178701176e-10 + z * even)
    even = 2.6041666666664926e-03 + z * (-2.170138888870769e-05 + z * even)
    cos = 1.0 + z * (-0.12499999999999993 + z * even)
    twice = (factor + factor) * sin
    return factor - twice * sin, twice * cos


@compiled
def turn(psi: Floats, costs: Floats, angle: float) -> None:
    """Multiply amplitude s of one column by exp(-i angle costs[s])."""
    for s in range(len(costs)):
        cos, sin = cos_sin(angle * costs[s], 1.0)
        x, y = psi[2 * s], psi[2 * s + 1]
        psi[2 * s] = x * cos + y * sin
        psi[2 * s + 1] = y * cos - x * sin


@compiled
def turn_columns(psi: Floats, costs: Floats, angles: Floats) -> None:
    """Do so for columns of angles."""
    columns = len(angles)
    for s in range(len(costs)):
        row, cost = psi[2 * columns * s : 2 * columns * (s + 1)], costs[s]
        for c in range(columns):
            cos, sin = cos_sin(angles[c] * cost, 1.0)
            x, y = row[2 * c], row[2 * c + 1]
            row[2 * c] = x * cos + y * sin
            row[2 * c + 1] = y * cos - x * sin


@summing
def _overlap(psi: Floats, lam: Floats, costs: Floats) -> float:
    """Return Im<lam|cost|psi> of one column."""
    total = 0.0
    for s in range(len(costs)):
        total += costs[s] * (lam[2 * s] * psi[2 * s + 1] - lam[2 * s + 1] * psi[2 * s])
    return total


@compiled
def turn_back(psi: Floats, lam: Floats, costs: Floats, angle: float, last: bool) -> float:
    """Return Im<lam|cost|psi> of one column; undo `turn` on both, but for the last."""
    total = 0.0
    for at in range(0, len(costs), _REACH):
        own = costs[at : at + _REACH]
        p, q = psi[2 * at : 2 * (at + _REACH)], lam[2 * at : 2 * (at + _REACH)]
        total += _overlap(p, q, own)
        if last:
            continue
        for s in range(len(own)):
            cos, sin = cos_sin(angle * own[s], 1.0)
            x, y, u, v = p[2 * s], p[2 * s + 1], q[2 * s], q[2 * s + 1]
            p[2 * s], p[2 * s + 1] = x * cos - y * sin, y * cos + x * sin
            q[2 * s], q[2 * s + 1] = u * cos - v * sin, v * cos + u * sin
    return total


@compiled
def turn_columns_back(
    psi: Floats, lam: Floats, costs: Floats, angles: Floats, found: Floats, last: bool
) -> None:
    """Add Im<lam|cost|psi> of every column to `found`; undo `turn_columns`, but for the last."""
    columns = len(angles)
    for s in range(len(costs)):
        cost = costs[s]
        p, q = psi[2 * columns * s : 2 * columns * (s + 1)], lam[2 * columns * s :]
        for c in range(columns):
            found[c] += cost * (q[2 * c] * p[2 * c + 1] - q[2 * c + 1] * p[2 * c])
        if last:
            continue
        for c in range(columns):
            cos, sin = cos_sin(angles[c] * cost, 1.0)
            x, y, u, v = p[2 * c], p[2 * c + 1], q[2 * c], q[2 * c + 1]
            p[2 * c], p[2 * c + 1] = x * cos - y * sin, y * cos + x * sin
            q[2 * c], q[2 * c + 1] = u * cos - v * sin, v * cos + u * sin


@compiled
def take(states: Floats, start: int, step: int, stretch: int, bundle: Floats) -> None:
    """Copy stretches of whole vectors that lie `step` apart to a bundle."""
    for row in range(len(bundle) // stretch):
        for i in range(0, stretch, WIDTH):
            store(bundle, row * stretch + i, load(states, start + row * step + i))


@compiled
def give(states: Floats, start: int, step: int, stretch: int, bundle: Floats) -> None:
    """Copy them back."""
    for row in range(len(bundle) // stretch):
        for i in range(0, stretch, WIDTH):
            store(states, start + row * step + i, load(bundle, row * stretch + i))


@inlined
def exchange(x: Floats, y: Floats, cos: Floats, sin: Floats) -> None:
    """Replace x by cos x - i sin y and y by cos y - i sin x, with one cos and sin per column."""
    columns = len(cos)
    if columns == 1:
        c, s = cos[0], sin[0]
        for i in range(len(x) // 2):
            p, q, u, v = x[2 * i], x[2 * i + 1], y[2 * i], y[2 * i + 1]
            x[2 * i], x[2 * i + 1] = c * p + s * v, c * q - s * u
            y[2 * i], y[2 * i + 1] = c * u + s * q, c * v - s * p
    else:
        for row in range(len(x) // (2 * columns)):
            one = x[2 * columns * row : 2 * columns * (row + 1)]
            two = y[2 * columns * row : 2 * columns * (row + 1)]
            for i in range(columns):
                c, s = cos[i], sin[i]
                p, q, u, v = one[2 * i], one[2 * i + 1], two[2 * i], two[2 * i + 1]
                one[2 * i], one[2 * i + 1] = c * p + s * v, c * q - s * u
                two[2 * i], two[2 * i + 1] = c * u + s * q, c * v - s * p


@inlined
def exchange_overlaps(x: Floats, y: Floats, u: Floats, v: Floats, overlaps: Floats) -> None:
    """Add Im(u* y + v* x) to `overlaps`, for stretches x, y of psi and u, v of lam."""
    columns = len(overlaps)
    for c in range(columns):
        total = 0.0
        for i in range(2 * c, len(x), 2 * columns):
            total += u[i] * y[i + 1] - u[i + 1] * y[i] + v[i] * x[i + 1] - v[i + 1] * x[i]
        overlaps[c] += total


@summing
def mean(psi: Floats, costs: Floats) -> float:
    """Return <psi|cost|psi> of one column."""
    total = 0.0
    for s in range(len(costs)):
        x, y = np.float64(psi[2 * s]), np.float64(psi[2 * s + 1])
        total += costs[s] * (x * x + y * y)
    return total


@summing
def mean_columns(psi: Floats, costs: Floats, found: Floats) -> None:
    """Add <psi|cost|psi> of every column to `found`."""
    columns = len(found)
    for s in range(len(costs)):
        row, cost = psi[2 * columns * s : 2 * columns * (s + 1)], costs[s]
        for c in range(columns):
            x, y = np.float64(row[2 * c]), np.float64(row[2 * c + 1])
            found[c] += cost * (x * x + y * y)


@compiled
def densities(psi: Floats, probabilities: Floats) -> None:
    """Write |psi|^2."""
    for s in range(len(probabilities)):
        x, y = np.float64(psi[2 * s]), np.float64(psi[2 * s + 1])
        probabilities[s] = x * x + y * y


@compiled
def weigh(psi: Floats, factors: Floats, lam: Floats) -> None:
    """Write psi times the factors (states, columns)."""
    columns = factors.shape[1]
    for s in range(len(factors)):
        for c in range(columns):
            i = 2 * (s * columns + c)
            lam[i] = psi[i] * factors[s, c]
            lam[i + 1] = psi[i + 1] * factors[s, c]
