"""Compiled loops over k-subsets: the products with A and A^T, and the rotation of a pair.

Arrays are flat and hold floats, (real, imaginary) by turns: `outer` times all subsets in the order
of `combinations`, `width` floats each. No index table is needed: subsets that share their large
elements are neighbours, in the same order for every k, so removing an element moves whole stretches
of memory. `table` holds the binomials of n and k; `top` and `above` are scratch of k + 2.
"""

from __future__ import annotations

from qfl.simulators.kernels import (
    Floats,
    Integers,
    exchange,
    exchange_overlaps,
    inlined,
    summing,
)


@inlined
def _first(top: Integers, n: int, k: int) -> None:
    """Set elements 3..k of a subset (all but the two smallest) to the first in order."""
    for j in range(3, k + 1):
        top[j] = j - 1
    top[k + 1] = n


@inlined
def _advance(top: Integers, k: int) -> int:
    """Step elements 3..k to the next; return the highest position that moved, or k + 1."""
    j = 3
    while j <= k and top[j] + 1 == top[j + 1]:
        top[j] = j - 1
        j += 1
    if j <= k:
        top[j] += 1
    return j


@summing
def lower(
    psi: Floats, w: Floats, outer: int, k: int, width: int, table: Integers, scratch: Integers
) -> None:
    """Add to w[T] the sum of psi[T + i] over i not in T; k >= 2."""
    n = len(table) - 1
    top, above = scratch[0], scratch[1]
    for o in range(outer):
        base, above[k], moved = o * table[n, k] * width, o * table[n, k - 1] * width, k
        _first(top, n, k)
        while moved <= k:
            for j in range(moved, 2, -1):  # remove top[j] from all that share top[j:]
                length = table[top[j], j - 1] * width
                source, target = psi[base : base + length], w[above[j] : above[j] + length]
                for i in range(length):
                    target[i] += source[i]
                above[j - 1] = above[j] + length
            target, at = w[above[2] :], above[2]
            for b in range(1, top[3]):  # remove b, or one of the a < b, from {a, b, *top[3:]}
                if width == 2:  # few turns: to make a slice would cost more than to take them
                    real = imag = psi[0] * 0
                    for a in range(b):
                        x, y = psi[base + 2 * a], psi[base + 2 * a + 1]
                        w[at + 2 * a] += x
                        w[at + 2 * a + 1] += y
                        real += x
                        imag += y
                    w[at + 2 * b] += real
                    w[at + 2 * b + 1] += imag
                else:
                    source = psi[base : base + b * width]
                    last = target[b * width : (b + 1) * width]
                    for a in range(b):
                        row, own = source[a * width : (a + 1) * width], target[a * width :]
                        for c in range(width):
                            own[c] += row[c]
                            last[c] += row[c]
                base += b * width
            moved = _advance(top, k)


@summing
def lift(
    w: Floats, psi: Floats, outer: int, k: int, width: int, table: Integers, scratch: Integers
) -> None:
    """Add to psi[S] the sum of w[S - i] over i in S; k >= 2. The transpose of `lower`."""
    n = len(table) - 1
    top, above = scratch[0], scratch[1]
    for o in range(outer):
        base, above[k], moved = o * table[n, k] * width, o * table[n, k - 1] * width, k
        _first(top, n, k)
        while moved <= k:
            for j in range(moved, 2, -1):
                length = table[top[j], j - 1] * width
                target, source = psi[base : base + length], w[above[j] : above[j] + length]
                for i in range(length):
                    target[i] += source[i]
                above[j - 1] = above[j] + length
            source, at = w[above[2] :], above[2]
            for b in range(1, top[3]):
                if width == 2:
                    real, imag = w[at + 2 * b], w[at + 2 * b + 1]
                    for a in range(b):
                        psi[base + 2 * a] += w[at + 2 * a] + real
                        psi[base + 2 * a + 1] += w[at + 2 * a + 1] + imag
                else:
                    target = psi[base : base + b * width]
                    last = source[b * width : (b + 1) * width]
                    for a in range(b):
                        row, own = target[a * width : (a + 1) * width], source[a * width :]
                        for c in range(width):
                            row[c] += own[c] + last[c]
                base += b * width
            moved = _advance(top, k)


@inlined
def _ranks(
    upper: Integers, many: int, low: int, edge: tuple[int, int], table: Integers
) -> tuple[int, int]:
    """Return the ranks of {a} + V and {b} + V above `low` elements smaller than a.

    V is the many-subset `upper` of what lies above a, without b.
    """
    a, b = edge
    below = 0
    while below < many and a + 1 + upper[below] < b:
        below += 1
    first, second = table[a, low + 1], table[b, low + 1 + below]
    for i in range(many):
        element = a + 1 + upper[i] + (i >= below)
        first += table[element, low + 2 + i]
        second += table[element, low + 1 + i + (i >= below)]
    return first, second


@inlined
def _next(upper: Integers, many: int, n: int) -> bool:
    """Step to the next many-subset of n; return whether there was one, and else start over."""
    moved = 0
    while moved < many and upper[moved] + 1 >= (upper[moved + 1] if moved + 1 < many else n):
        upper[moved] = moved
        moved += 1
    if moved < many:
        upper[moved] += 1
    return moved < many


@summing
def rotate(
    states: Floats,
    outer: int,
    k: int,
    table: Integers,
    edge: tuple[int, int],
    cos: Floats,
    sin: Floats,
    overlaps: Floats,
    upper: Integers,
) -> None:
    """Apply exp(-i beta (XX + YY)/2) to the pair edge = (a, b), a < b, of states (m, floats).

    Subsets L + {a} + V and L + {b} + V, with L below a and V above it, exchange amplitude; for a
    fixed V both are stretches of C(a, |L|) neighbours. cos, sin: of beta, per column. With m = 2
    states psi, lam, `overlaps` takes Im<lam|generator|psi>. `upper` is scratch of k + 1.
    """
    a, n, width = edge[0], len(table) - 1, 2 * len(cos)
    size = table[n, k] * width
    for low in range(max(0, k + 1 + a - n), min(a, k - 1) + 1):
        many, length = k - 1 - low, table[a, low] * width
        for i in range(many):
            upper[i] = i
        more = True
        while more:
            first, second = _ranks(upper, many, low, edge, table)
            for o in range(outer):
                one, two = o * size + first * width, o * size + second * width
                if len(states) == 2:
                    x, y = states[0, one : one + length], states[0, two : two + length]
                    u, v = states[1, one : one + length], states[1, two : two + length]
                    exchange_overlaps(x, y, u, v, overlaps)
                for m in range(len(states)):
                    x, y = states[m, one : one + length], states[m, two : two + length]
                    exchange(x, y, cos, sin)
            more = _next(upper, many, n - a - 2)


@summing
def hop(
    psi: Floats,
    image: Floats,
    outer: int,
    k: int,
    width: int,
    table: Integers,
    edge: tuple[int, int],
    upper: Integers,
) -> None:
    """Add (XX + YY)/2 of the pair edge = (a, b), a < b, applied to psi, to `image`."""
    a, n = edge[0], len(table) - 1
    size = table[n, k] * width
    for low in range(max(0, k + 1 + a - n), min(a, k - 1) + 1):
        many, length = k - 1 - low, table[a, low] * width
        for i in range(many):
            upper[i] = i
        more = True
        while more:
            first, second = _ranks(upper, many, low, edge, table)
            for o in range(outer):
                one, two = o * size + first * width, o * size + second * width
                x, y = psi[one : one + length], psi[two : two + length]
                u, v = image[one : one + length], image[two : two + length]
                for i in range(length):
                    u[i] += y[i]
                    v[i] += x[i]
            more = _next(upper, many, n - a - 2)
