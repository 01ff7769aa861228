"""The complete XY mixer without matrices: which combination of lowered states it is.

With (A psi)[T] = sum over i not in T of psi[T + i], from k-subsets to (k-1)-subsets, the mixer on
weight k is A^T A - k, and A A^T on weight k - 1 is A^T A + n - 2k + 2 of that weight. Hence

    f(A^T A) = f(0) + A^T g(A^T A) A        with g a function on the smaller weight k - 1,

and so on downwards: one product with A and A^T per weight, instead of k products at weight k for
the Newton polynomial of degree k in A^T A. On its way up the ladder subtracts large terms, more so
for k near n/2 and large beta. So the uniform component, the worst, is split off; the ladder goes
down only as far as rounding allows and ends in the Newton polynomial of that weight (Leja-ordered
nodes); and where beta is too large for all of these, it is split into steps. Only numpy may be
imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOISE = {"double": 2500.0, "single": 250.0}
"""Largest bound on the rounding error of a mixer, in machine epsilons.

Seen at depth 4, n <= 20 and |beta| <= 1.5: errors of 5e-13 of the norm and of the largest
cost in double precision, of 2e-5 in single.
"""

_STEPS = (1, 2, 4, 8, 16, 32, 64)
_GRID = 64
_APART = 4  # as much time as so many columns take, it takes to keep columns apart
_WIDE = float(np.finfo(np.float64).eps / np.finfo(np.longdouble).eps)
"""By how much the coefficients, held in long double, may be worse conditioned than the states."""

Wide = NDArray[Any]
"""Complex long double; real in bounds."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How to apply f = exp(-i beta A^T A) on weight k, one beta per column.

    Attributes:
        uniform: (columns,) value on the uniform component, of weight k - 1 if `ladder` has rows,
            else of weight k.
        ladder: (levels, columns) f(0) of weight k, k - 1, ...; the first row is 1.
        nodes: (k - levels,) eigenvalues of A^T A on weight k - levels without the uniform one, in
            Newton order.
        newton: (k - levels, columns) divided differences on the nodes.
        steps: how often to apply all this.
    """

    uniform: NDArray[np.complex128]
    ladder: NDArray[np.complex128]
    nodes: NDArray[np.float64]
    newton: NDArray[np.complex128]
    steps: int

    def inverse(self) -> Plan:
        """Return the plan for the opposite betas."""
        return Plan(
            self.uniform.conj(), self.ladder.conj(), self.nodes, self.newton.conj(), self.steps
        )


Share = tuple[NDArray[np.intp], Plan]
"""Some columns and the plan for them."""


def eigenvalues(n: int, k: int) -> NDArray[np.float64]:
    """Return the k + 1 distinct eigenvalues of A^T A on weight k <= n/2, largest first.

    Those of the mixer are k less; the l-th has multiplicity C(n, l) - C(n, l - 1).

    >>> eigenvalues(8, 3).tolist()
    [18.0, 10.0, 4.0, 0.0]
    """
    level = np.arange(k + 1)
    return ((k - level) * (n - k - level + 1)).astype(np.float64)


def plans(n: int, k: int, betas: NDArray[np.float64], precision: str) -> list[list[Share]]:
    """Return the plans for each row of `betas` (layers, columns), with the columns of each.

    Columns of a layer share a plan where they need equally many steps.

    Args:
        n, k: elements and weight, 1 <= k <= n/2.
        betas: radians.
        precision: "double" or "single".
    """
    turn = 8 * np.arctan(np.longdouble(1))  # eigenvalues are integers: beta counts modulo 2 pi
    angles = betas - turn * np.round(betas / turn)
    reaches = _reaches(n, k, precision)
    least = np.searchsorted([reach for reach, *_ in reaches], np.abs(angles))
    steps = np.array([reaches[way][1] for way in least.flat]).reshape(betas.shape)
    for row in steps:
        for less, more in pairwise(np.unique(row)):
            few = row == less
            if few.sum() * (more - less) <= _APART * less:
                row[few] = more
    alike: dict[tuple[int, int], list[tuple[int, NDArray[np.intp]]]] = {}
    for row, own in enumerate(steps):
        for count in np.unique(own):
            at = np.flatnonzero(own == count)
            levels = reaches[least[row, at].max()][2]
            alike.setdefault((int(count), levels), []).append((row, at))
    found: list[list[Share]] = [[] for _ in betas]
    for (count, levels), shares in alike.items():
        betas_of = np.concatenate([angles[row, at] for row, at in shares])
        values = np.exp(np.multiply.outer(eigenvalues(n, k), -1j * betas_of / count))
        *wide, _ = _coefficients(n, k, levels, values)
        parts = [part.astype(np.complex128) for part in wide]
        nodes, end = leja(eigenvalues(n, k - levels)[1:]), 0
        for row, at in shares:
            end += len(at)
            uniform, ladder, newton = (part[..., end - len(at) : end] for part in parts)
            found[row].append((at, Plan(uniform, ladder, nodes, newton, count)))
    return found


@lru_cache(maxsize=256)
def _reaches(n: int, k: int, precision: str) -> list[tuple[float, int, int]]:
    """Return (beta, steps, levels): up to which |beta| these are the cheapest that are accurate.

    Betas ascend, and so do steps. Cost is the additions that A and A^T take.
    """
    pairs = [j * comb(n, j) for j in range(k + 1)]
    grid = np.pi * np.linspace(0, 1, _GRID + 1)[1:] ** 3  # finer where most angles are
    reached: list[tuple[float, float, int, int]] = []
    found: list[tuple[float, int, int]] = []
    for levels in range(k):
        if levels and _coefficient_bound(n, k, levels) > NOISE["double"] * _WIDE:
            continue
        each = sum(pairs[k - levels + 1 :]) + 1.5 * (k - levels - 1) * pairs[k - levels]
        values = np.exp(np.multiply.outer(eigenvalues(n, k), -1j * grid.astype(np.longdouble)))
        noise = np.maximum.accumulate(_coefficients(n, k, levels, values)[3])
        for steps in _STEPS:
            fits = int(np.searchsorted(steps * noise, NOISE[precision], side="right"))
            reach = steps * float(grid[fits - 1]) if fits else 0.0
            if (steps, levels) == (_STEPS[-1], 0):  # if nothing is accurate
                reach = np.inf
            reached.append((steps * each, reach, steps, levels))
    for _, reach, steps, levels in sorted(reached):
        if not found or (reach > found[-1][0] and steps >= found[-1][1]):
            found.append((reach, steps, levels))
    return found


def _coefficients(n: int, k: int, levels: int, values: Wide) -> tuple[Wide, Wide, Wide, Wide]:
    """Return the fields of plans from the values (k + 1, columns) of f on `eigenvalues`.

    The fourth bounds the rounding error (columns,): an error made at some weight is as large
    as the largest component there, and what is still to come stretches it by at most its norm.
    """
    ladder = np.empty((levels, *values.shape[1:]), dtype=values.dtype)
    uniform, noise = values[0], np.zeros(values.shape[1:])
    stretch = np.ones((k + 1, 1))  # of component l, by lowering from weight k to here
    for i in range(levels):
        ladder[i], at = values[-1], eigenvalues(n, k - i)[:-1, None]
        values = (values[:-1] - values[-1]) / at
        stretch = stretch[:-1] * np.sqrt(at)
        uniform = values[0] if i == 0 else uniform
        noise += stretch[1:].max() * np.abs(values * stretch)[1:].max(axis=0)
    at = eigenvalues(n, k - levels)[1:]
    nodes = leja(at)
    newton = values[1:][[int(np.flatnonzero(at == node)[0]) for node in nodes]]
    for j in range(1, len(nodes)):
        gaps = nodes[j:] - nodes[: len(nodes) - j]
        newton[j:] = (newton[j:] - newton[j - 1 : -1]) / gaps[:, None]
    tail, tails = np.zeros_like(newton), []
    for node, difference in zip(nodes[::-1], newton[::-1], strict=True):
        tail = difference + (at - node)[:, None] * tail
        tails.append(np.abs(tail * stretch[1:]).max(axis=0))
    term = stretch[1:, 0].copy()
    for node, rest in zip(nodes[:-1], tails[-2::-1], strict=True):
        term = np.abs(term * (at - node))
        noise += term.max() * rest
    return uniform, ladder, newton, noise


@lru_cache(maxsize=256)
def _coefficient_bound(n: int, k: int, levels: int) -> float:
    """Return how far an error of 1 in every value of f can move a component of the result."""
    errors = np.ones(k + 1)
    total, scale = np.zeros(k), np.ones(k)
    for i in range(levels):
        at = eigenvalues(n, k - i)
        total += errors[-1] * scale
        errors = (errors[:-1] + errors[-1]) / at[:-1]
        scale[: k - i] *= at[1:]
    at = eigenvalues(n, k - levels)[1:]
    nodes, left = leja(at), slice(0, k - levels)
    newton = errors[1:][[int(np.flatnonzero(at == node)[0]) for node in nodes]]
    for j in range(len(nodes)):
        if j:
            gaps = np.abs(nodes[j:] - nodes[: len(nodes) - j])
            newton[j:] = (newton[j:] + newton[j - 1 : -1]) / gaps
        total[left] += newton[j] * scale[left]
        scale[left] *= np.abs(at - nodes[j])
    return float(total.max())


def leja(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `points` so ordered that each maximises the product of distances to those before.

    Reference: Reichel, Newton interpolation at Leja points, BIT 30 (1990) 332.

    >>> leja(np.array([3.0, 2.0, 1.0, 0.0])).tolist()
    [3.0, 0.0, 2.0, 1.0]
    """
    order = [int(np.argmax(np.abs(points)))]
    while len(order) < len(points):
        distances = np.abs(points[:, None] - points[order]).prod(axis=1)
        order.append(int(np.argmax(distances)))
    return points[order]
