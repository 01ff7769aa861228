"""The complete XY mixer without matrices: which combination of lowered states it is.

With (A psi)[T] = sum over i not in T of psi[T + i], from k-subsets to (k-1)-subsets, the mixer on
weight k is A^T A - k, and A A^T on weight k - 1 is A^T A + n - 2k + 2 of that weight. Hence

    f(A^T A) = f(0) + A^T g(A^T A) A        with g a function on the smaller weight k - 1,

and so on downwards: one product with A and A^T per weight, instead of k products at weight k for
the Newton polynomial of degree k in A^T A. On its way up the ladder subtracts large terms, more so
for k near n/2 and large beta. So the uniform component, the worst, is split off; the ladder goes
down only as far as rounding allows and ends in the Newton polynomial of that weight (Leja-ordered
nodes); and if nothing else helps, beta is split into steps. Only numpy may be imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOISE = {"double": 5000.0, "single": 1000.0}
"""Largest bound on the rounding error of a mixer, in machine epsilons; ten times what is seen."""

_STEPS = (1, 2, 4, 8, 16, 32, 64)
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


def eigenvalues(n: int, k: int) -> NDArray[np.float64]:
    """Return the k + 1 distinct eigenvalues of A^T A on weight k <= n/2, largest first.

    Those of the mixer are k less; the l-th has multiplicity C(n, l) - C(n, l - 1).

    >>> eigenvalues(8, 3).tolist()
    [18.0, 10.0, 4.0, 0.0]
    """
    level = np.arange(k + 1)
    return ((k - level) * (n - k - level + 1)).astype(np.float64)


def plans(n: int, k: int, betas: NDArray[np.float64], precision: str) -> list[Plan]:
    """Return one plan per row of `betas` (layers, columns): the cheapest that is accurate.

    Args:
        n, k: elements and weight, 1 <= k <= n/2.
        betas: radians.
        precision: "double" or "single".
    """
    found: dict[int, Plan] = {}
    turn = 8 * np.arctan(np.longdouble(1))  # eigenvalues are integers: beta counts modulo 2 pi
    angles = betas - turn * np.round(betas / turn)
    for steps in _STEPS:
        for levels in range(k - 1, -1, -1):
            pending = [layer for layer in range(len(betas)) if layer not in found]
            if not pending:
                return [found[layer] for layer in range(len(betas))]
            last = steps == _STEPS[-1] and levels == 0
            if _coefficient_bound(n, k, levels) > NOISE["double"] * _WIDE and not last:
                continue
            phases = np.multiply.outer(eigenvalues(n, k), -1j * angles[pending] / steps)
            *wide, noise = _coefficients(n, k, levels, np.exp(phases))
            uniform, ladder, newton = (part.astype(np.complex128) for part in wide)
            nodes = leja(eigenvalues(n, k - levels)[1:])
            for i, layer in enumerate(pending):
                if last or steps * noise[i].max() <= NOISE[precision]:
                    found[layer] = Plan(uniform[i], ladder[:, i], nodes, newton[:, i], steps)
    return [found[layer] for layer in range(len(betas))]


def _coefficients(n: int, k: int, levels: int, values: Wide) -> tuple[Wide, Wide, Wide, Wide]:
    """Return the fields of plans from the values (k + 1, layers, columns) of f on `eigenvalues`.

    The fourth bounds the rounding error (layers, columns): an error made at some weight is as large
    as the largest component there, and what is still to come stretches it by at most its norm.
    """
    ladder = np.empty((levels, *values.shape[1:]), dtype=values.dtype)
    uniform, noise = values[0], np.zeros(values.shape[1:])
    stretch = np.ones((k + 1, 1, 1))  # of component l, by lowering from weight k to here
    for i in range(levels):
        ladder[i], at = values[-1], eigenvalues(n, k - i)[:-1, None, None]
        values = (values[:-1] - values[-1]) / at
        stretch = stretch[:-1] * np.sqrt(at)
        uniform = values[0] if i == 0 else uniform
        noise += stretch[1:].max() * np.abs(values * stretch)[1:].max(axis=0)
    at = eigenvalues(n, k - levels)[1:]
    nodes = leja(at)
    newton = values[1:][[int(np.flatnonzero(at == node)[0]) for node in nodes]]
    for j in range(1, len(nodes)):
        gaps = nodes[j:] - nodes[: len(nodes) - j]
        newton[j:] = (newton[j:] - newton[j - 1 : -1]) / gaps[:, None, None]
    tail, tails = np.zeros_like(newton), []
    for node, difference in zip(nodes[::-1], newton[::-1], strict=True):
        tail = difference + (at - node)[:, None, None] * tail
        tails.append(np.abs(tail * stretch[1:]).max(axis=0))
    term = stretch[1:, 0, 0].copy()
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
