"""The complete XY mixer without matrices: which combination of lowered states it is.

With (A psi)[T] = sum over i not in T of psi[T + i], from k-subsets to (k-1)-subsets, the mixer on
weight k is A^T A - k, and A A^T on weight k - 1 is A^T A + n - 2k + 2 of that weight. Hence

    f(A^T A) = f(0) + A^T g(A^T A) A        with g a function on the smaller weight k - 1,

and so on downwards: one product with A and A^T per weight, instead of k products at weight k for
the Newton polynomial of degree k in A^T A. On its way up the ladder subtracts large terms, more so
for k near n/2 and large beta. So the uniform component, the worst, is split off, and the ladder
goes down only as far as the terms stay below a limit; on that weight it takes the Newton polynomial
(Leja-ordered nodes). Only numpy may be imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROWTH = {"double": 2000.0, "single": 200.0}
"""Largest sum of absolute terms over the result; errors were seen to stay below 1e-13 and 1e-5."""

_WIDE = float(np.finfo(np.float64).eps / np.finfo(np.longdouble).eps)
"""By how much the coefficients, held in long double, may be worse conditioned than the states."""


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
    """

    uniform: NDArray[np.complex128]
    ladder: NDArray[np.complex128]
    nodes: NDArray[np.float64]
    newton: NDArray[np.complex128]

    def inverse(self) -> Plan:
        """Return the plan for the opposite betas."""
        return Plan(self.uniform.conj(), self.ladder.conj(), self.nodes, self.newton.conj())


def eigenvalues(n: int, k: int) -> NDArray[np.float64]:
    """Return the k + 1 distinct eigenvalues of A^T A on weight k <= n/2, largest first.

    Those of the mixer are k less; the l-th has multiplicity C(n, l) - C(n, l - 1).

    >>> eigenvalues(8, 3).tolist()
    [18.0, 10.0, 4.0, 0.0]
    """
    level = np.arange(k + 1)
    return ((k - level) * (n - k - level + 1)).astype(np.float64)


def plans(n: int, k: int, betas: NDArray[np.float64], precision: str) -> list[Plan]:
    """Return one plan per row of `betas` (layers, columns), each as deep a ladder as is accurate.

    Args:
        n, k: elements and weight, 1 <= k <= n/2.
        betas: radians.
        precision: "double" or "single"; decides how much the terms may outgrow the result.
    """
    found: dict[int, Plan] = {}
    phases = np.multiply.outer(eigenvalues(n, k), -1j * betas.astype(np.longdouble))
    for levels in range(k - 1, -1, -1):
        pending = [layer for layer in range(len(betas)) if layer not in found]
        if not pending:
            break
        if levels and _worst(n, k, levels) > GROWTH["double"] * _WIDE:
            continue
        parts = _coefficients(n, k, levels, np.exp(phases[:, pending]), np.subtract)
        growth = _growth(n, k, np.abs(parts[1]), np.abs(parts[2])).max(axis=(0, 2))
        uniform, ladder, newton = (part.astype(np.complex128) for part in parts)
        nodes = leja(eigenvalues(n, k - levels)[1:])
        for i, layer in enumerate(pending):
            if not levels or growth[i] <= GROWTH[precision]:
                found[layer] = Plan(uniform[i], ladder[:, i], nodes, newton[:, i])
    return [found[layer] for layer in range(len(betas))]


@lru_cache(maxsize=256)
def _worst(n: int, k: int, levels: int) -> float:
    """Return the growth if every difference were a sum: a bound over all betas."""
    _, ladder, newton = _coefficients(n, k, levels, np.ones((k + 1, 1, 1)), np.add)
    return float(_growth(n, k, ladder, newton).max())


def _coefficients(
    n: int,
    k: int,
    levels: int,
    values: NDArray[Any],
    minus: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the fields of plans from the values (k + 1, layers, columns) of f on `eigenvalues`."""
    ladder = np.empty((levels, *values.shape[1:]), dtype=values.dtype)
    uniform = values[0]
    for i in range(levels):
        ladder[i] = values[-1]
        values = minus(values[:-1], values[-1]) / eigenvalues(n, k - i)[:-1, None, None]
        uniform = values[0] if i == 0 else uniform
    at = eigenvalues(n, k - levels)[1:]
    nodes = leja(at)
    newton = values[1:][[int(np.flatnonzero(at == node)[0]) for node in nodes]]
    for j in range(1, len(nodes)):
        gaps = nodes[j:] - nodes[: len(nodes) - j]
        newton[j:] = minus(newton[j:], newton[j - 1 : -1]) / gaps[:, None, None]
    return uniform, ladder, newton


def _growth(n: int, k: int, ladder: NDArray[Any], newton: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of absolute terms on each eigenspace but the uniform, (k, layers, columns)."""
    levels = len(ladder)
    terms = np.zeros((k, *newton.shape[1:]))
    scale = np.ones((k, 1, 1))
    for i in range(levels):
        terms += ladder[i] * scale
        scale[: k - i, 0, 0] *= eigenvalues(n, k - i)[1:]
    at = eigenvalues(n, k - levels)[1:]
    for difference, node in zip(newton, leja(at), strict=True):
        terms[: k - levels] += difference * np.abs(scale[: k - levels])
        scale[: k - levels, 0, 0] *= at - node
    return terms


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
