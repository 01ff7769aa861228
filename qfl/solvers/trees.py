"""QAOA for MaxCut on the infinite regular tree: the exact cut fraction of graphs of large girth.

What the subtree below a neighbour does to a vertex is a matrix over the vertex's histories in both
branches of the circuit. It is built layer by layer: where the two branches agree in the last layer
that layer does nothing, so only the other half is new. The coupling is a product over bits, applied
to rows and columns by small matrices. In torch, so that gradients come by themselves.

Reference:
    Basso, Farhi, Marwaha, Villalonga, Zhou, arXiv:2110.14206, section 3.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from qfl.core.errors import CapacityError, ProblemError
from qfl.solvers.landscape import Angles, as_angles
from qfl.solvers.schedules.tables import transfer_angles

DEEPEST = 13
DEEPEST_TRAINED = 10


def tree_cut_fraction(gammas: ArrayLike, betas: ArrayLike, *, degree: int) -> float:
    """Return the cut fraction per edge on the infinite tree, for H = -cut under the mixer "x".

    Args:
        gammas, betas: (depth,) radians in the project's convention.
        degree: of every vertex, at least 2.

    Raises:
        CapacityError: deeper than DEEPEST; memory grows fourfold per layer, 8 GiB at 13.

    >>> round(tree_cut_fraction([np.arctan(0.5**0.5)], [-np.pi / 8], degree=3), 10)
    0.6924500897
    """
    angles = as_angles(gammas, betas)
    _check(degree, angles.shape[1], DEEPEST)
    with torch.no_grad():
        return float(_cut_fraction(torch.tensor(angles[0]), torch.tensor(angles[1]), degree))


def tree_optimum(degree: int, depth: int) -> tuple[float, Angles]:
    """Return the best cut fraction found on the infinite tree, and its angles (2, depth).

    L-BFGS on exact gradients from the angles of the infinite spin glass, the limit of large degree.

    Raises:
        CapacityError: deeper than DEEPEST_TRAINED, where a search takes more than a minute.

    >>> round(tree_optimum(3, 2)[0], 7)
    0.7559065
    """
    _check(degree, depth, DEEPEST_TRAINED)
    gammas, betas = transfer_angles("x", depth)
    start = np.concatenate([2.0 * gammas / np.sqrt(degree - 1), betas])

    def loss(vector: Angles) -> tuple[float, Angles]:
        angles = torch.tensor(vector, requires_grad=True)
        value = _cut_fraction(angles[:depth], angles[depth:], degree)
        (gradient,) = torch.autograd.grad(value, angles)
        return -float(value.detach()), -gradient.numpy()

    options = {"ftol": 1e-13, "gtol": 1e-8}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return -float(found.fun), found.x.reshape(2, depth)


def _check(degree: int, depth: int, deepest: int) -> None:
    if degree < 2:
        raise ProblemError(f"a regular tree needs degree >= 2, got {degree}")
    if not 1 <= depth <= deepest:
        raise CapacityError(f"depth must lie in 1..{deepest} here, got {depth}")


def _cut_fraction(gammas: torch.Tensor, betas: torch.Tensor, degree: int) -> torch.Tensor:
    history = torch.ones(1, 1, dtype=torch.complex128)
    for layer in range(len(gammas)):
        walk = _walk(betas[:layer])
        weights = walk[:, :, None] * walk.conj().T[None] * history[:, None, :] / 2
        seen = gammas[:layer] / 2
        moved = _couple(weights, seen)
        moved = torch.einsum("st,ftb->fsb", _kernel(gammas[layer : layer + 1]), moved)
        moved = _couple(moved.permute(2, 0, 1).contiguous(), -seen).permute(1, 2, 0)
        up, down = (moved[:, spin] ** (degree - 1) for spin in (0, 1))
        rows = [torch.stack([history, up], -1), torch.stack([down, history], -1)]
        history = torch.stack(rows, 1).reshape(2 * len(history), -1)
    walk = _walk(betas)
    ends = (walk[:, spin, None] * walk[None, :, spin].conj() for spin in (0, 1))
    root = (next(ends) - next(ends)) * history / 2
    coupled = _couple(_couple(root, gammas / 2).T.contiguous(), -gammas / 2).T
    return 0.5 + (root * coupled).sum().real / 2


def _walk(betas: torch.Tensor) -> torch.Tensor:
    """Return the amplitudes (2^layers, 2) of every history and every last bit."""
    walk = torch.ones(1, 2, dtype=torch.complex128)
    for beta in -betas:
        stay, turn = torch.cos(beta) + 0j, 1j * torch.sin(beta)
        step = torch.stack([torch.stack([stay, turn]), torch.stack([turn, stay])])
        walk = (walk[:, :, None] * step).reshape(-1, 2)
    return walk


def _kernel(angles: torch.Tensor) -> torch.Tensor:
    """Return the product over bits of exp(i angle a b)."""
    kernel = torch.ones(1, 1, dtype=torch.complex128)
    for angle in angles:
        phase = torch.exp(1j * angle)
        bit = torch.stack([torch.stack([phase, 1 / phase]), torch.stack([1 / phase, phase])])
        kernel = torch.kron(kernel, bit)
    return kernel


def _couple(values: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Apply the kernel to the first axis, as two smaller matrices."""
    half = len(angles) // 2
    first, second = _kernel(angles[:half]), _kernel(angles[half:])
    halfway = first @ values.reshape(len(first), -1)
    both = second @ halfway.reshape(len(first), len(second), -1)
    return both.reshape(values.shape)
