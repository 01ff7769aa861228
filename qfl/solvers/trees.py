"""QAOA values in limits that need no instance: regular trees and the infinite spin glass.

A regular graph without short cycles looks like a tree to a shallow circuit, so the tree value is
its exact cut fraction. Every sum over bit strings of both branches of the circuit is a
Walsh-Hadamard transform of length 2^(2p+1): depth 8 takes a moment, depth 11 a minute.

Reference:
    Basso, Farhi, Marwaha, Villalonga, Zhou, arXiv:2110.14206, sections 3 and 4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import CapacityError
from qfl.solvers.landscape import as_angles

DEEPEST = 12


def tree_cut_fraction(gammas: ArrayLike, betas: ArrayLike, *, degree: int) -> float:
    """Return the cut fraction per edge on the infinite regular tree, for H = -cut, mixer "x".

    Args:
        gammas, betas: (depth,) radians in the project's convention (gamma > 0, beta < 0).
        degree: of the tree, at least 2.

    >>> round(tree_cut_fraction([math.atan(1 / math.sqrt(2))], [-math.pi / 8], degree=3), 10)
    0.6924500897
    """
    angles = _checked(gammas, betas)
    if degree < 2:
        raise CapacityError(f"a regular tree needs degree >= 2, got {degree}")
    branching = degree - 1
    amplitudes, phase = _walk(-angles[1]), _phases(angles[0] / 2)
    cosine, sine = _transform(np.cos(phase)), _transform(np.sin(phase))
    tree = np.ones_like(amplitudes)
    for _ in range(angles.shape[1]):
        tree = _transform(_transform(amplitudes * tree) * cosine) / len(tree)
        tree = tree**branching
    root = amplitudes * tree * _spin(angles.shape[1], angles.shape[1])
    pair = root @ (_transform(_transform(root) * sine) / len(root))
    return 0.5 + float((0.5j * pair).real)


def spin_glass_energy(gammas: ArrayLike, betas: ArrayLike) -> float:
    """Return nu_p, minus the energy per spin of the infinite Sherrington-Kirkpatrick model.

    H = -(1 / sqrt n) sum J_ij Z_i Z_j with normal J_ij, mixer "x".

    Args:
        gammas, betas: (depth,) radians in the project's convention (gamma > 0, beta < 0).

    >>> round(spin_glass_energy([0.5], [-math.pi / 8]), 7)
    0.3032653
    """
    angles = _checked(gammas, betas)
    depth = angles.shape[1]
    amplitudes = _walk(-angles[1])
    field = np.concatenate([angles[0], [0.0], -angles[0][::-1]])
    bit = 1 << np.arange(2 * depth + 1)
    pairs = np.bitwise_xor.outer(bit, bit)
    moments = _transform(amplitudes)[pairs]
    for _ in range(depth):
        weights = amplitudes * np.exp(-0.5 * _quadratic(moments * np.outer(field, field)))
        moments = _transform(weights)[pairs]
    return float((0.5j * (field @ moments[depth] ** 2)).real)


def edge_cut(gamma: float, beta: float, *, degrees: tuple[int, int], triangles: int) -> float:
    """Return the probability that depth-1 QAOA cuts an edge, for H = -cut, mixer "x".

    Args:
        gamma, beta: radians in the project's convention.
        degrees: of the two ends.
        triangles: common neighbours of the two ends.

    Reference:
        Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998, theorem 1.

    >>> round(edge_cut(0.6, -0.3, degrees=(3, 3), triangles=2) * 6, 9)
    3.660011322
    """
    g, b = -gamma, beta
    d, e = degrees[0] - 1, degrees[1] - 1
    first = math.sin(4 * b) * math.sin(g) * (math.cos(g) ** d + math.cos(g) ** e) / 4
    both = math.sin(2 * b) ** 2 * math.cos(g) ** (d + e - 2 * triangles)
    return 0.5 + first - both * (1 - math.cos(2 * g) ** triangles) / 4


def regular_cut_fraction(degree: int) -> float:
    """Return the best depth-1 cut fraction of a triangle-free regular graph.

    Reference:
        Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998, corollary 1.

    >>> round(regular_cut_fraction(3), 10)
    0.6924500897
    """
    return 0.5 + (1 - 1 / degree) ** ((degree - 1) / 2) / (2 * math.sqrt(degree))


def _checked(gammas: ArrayLike, betas: ArrayLike) -> NDArray[np.float64]:
    angles = as_angles(gammas, betas)
    if angles.shape[1] > DEEPEST:
        raise CapacityError(
            f"depth {angles.shape[1]} needs 2^{2 * angles.shape[1] + 1} amplitudes; at most "
            f"depth {DEEPEST} is computed"
        )
    return angles


def _walk(betas: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return f(a) over all strings a = (a_1..a_p, a_0, a_-p..a_-1); bit 0 stands for a = +1."""
    steps = [np.array([[np.cos(b), 1j * np.sin(b)], [1j * np.sin(b), np.cos(b)]]) for b in betas]
    amplitudes = np.full(2, 0.5, dtype=np.complex128)
    for step in [*steps, *(step.conj() for step in steps[::-1])]:
        last = np.repeat([0, 1], len(amplitudes) // 2)
        amplitudes = np.concatenate([amplitudes * step[last, 0], amplitudes * step[last, 1]])
    return amplitudes


def _phases(gammas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Gamma . a over all strings a."""
    total = np.zeros(1)
    for gamma in [*gammas, 0.0, *-gammas[::-1]]:
        total = np.concatenate([total + gamma, total - gamma])
    return total


def _spin(place: int, depth: int) -> NDArray[np.float64]:
    """Return a at one place of the string, over all strings."""
    index = np.arange(1 << (2 * depth + 1))
    return np.where((index >> place) & 1, -1.0, 1.0)


def _quadratic(matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return a^T M a over all strings a, built spin by spin."""
    total = np.array([np.trace(matrix)])
    for k in range(len(matrix)):
        cross = np.zeros(1, dtype=np.complex128)
        for j in range(k):
            cross = np.concatenate([cross + matrix[j, k], cross - matrix[j, k]])
        total = np.concatenate([total + 2 * cross, total - 2 * cross])
    return total


def _transform(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the Walsh-Hadamard transform, without the factor 1 / length."""
    out = values.astype(np.complex128).reshape(1, -1)
    while out.shape[1] > 1:
        half = out.shape[1] // 2
        upper, lower = out[:, :half], out[:, half:]
        out = np.stack([upper + lower, upper - lower], axis=1).reshape(-1, half)
    return out.reshape(-1)
