"""QAOA on the Sherrington-Kirkpatrick model of infinite size.

Strings run over both branches of the circuit, a_1..a_p forward and a_-1..a_-p backward, and the
correlations G_jk = <a_j a_k> of one depth determine those of the next. Later layers cancel from
earlier correlations, so G is built layer by layer, and the coupling between the branches is a
product over bits, so each layer costs a few matrix products: depth 17 takes seconds.

Reference:
    Basso, Farhi, Marwaha, Villalonga, Zhou, arXiv:2110.14206, section 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import CapacityError
from qfl.solvers.landscape import as_angles

DEEPEST = 18
_BATCH = 4096

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


def spin_glass_energy(gammas: ArrayLike, betas: ArrayLike) -> float:
    """Return nu_p, minus the mean energy per spin, for H = -(1 / sqrt n) sum J_ij Z_i Z_j.

    Args:
        gammas, betas: (depth,) radians, mixer "x", in the project's convention.

    Raises:
        CapacityError: deeper than DEEPEST; the cost grows fourfold per layer.

    >>> round(spin_glass_energy([0.5], [-np.pi / 8]), 7)
    0.3032653
    """
    gamma, beta = as_angles(gammas, betas)
    depth = len(gamma)
    if depth > DEEPEST:
        raise CapacityError(f"depth {depth} needs 4^{depth} terms; at most {DEEPEST} is computed")
    forward = np.eye(depth, dtype=np.complex128)
    across = np.eye(depth, dtype=np.complex128)
    for layer in range(depth):
        seen = slice(0, layer)
        row = _correlations(gamma[seen], -beta[seen], forward[seen, seen], across[seen, seen])
        forward[layer, seen] = forward[seen, layer] = row
        across[layer, seen], across[seen, layer] = row.conj(), row
    last = _correlations(gamma, -beta, forward, across)
    return -float(gamma @ (last**2).imag)


def _correlations(gamma: Floats, beta: Floats, forward: Complex, across: Complex) -> Complex:
    """Return <a_0 a_j> for the forward bits j = 1..depth of a circuit of this depth.

    Args:
        gamma, beta: (depth,) with the mixer exp(+i beta X).
        forward: G_jk between two forward bits.
        across: G_jk between forward bit j and backward bit k.
    """
    spins = _spins(len(gamma))
    after = np.column_stack([spins[:, 1:], np.ones(len(spins))])
    walk = np.where(spins == after, np.cos(beta), 1j * np.sin(beta)).prod(1)
    couplings = np.outer(gamma, gamma)
    branch = walk * np.exp(-0.5 * ((spins @ (couplings * forward)) * spins).sum(1))
    fields = spins @ (couplings * across)
    half = len(gamma) // 2
    low, high = _spins(half), _spins(len(gamma) - half)
    table = branch.conj().reshape(len(low), len(high))
    total = np.empty_like(branch)
    for start in range(0, len(spins), _BATCH):
        rows = slice(start, start + _BATCH)
        left = np.exp(fields[rows, :half] @ low.T) @ table
        total[rows] = (left * np.exp(fields[rows, half:] @ high.T)).sum(1)
    return np.asarray((branch * total) @ spins)


def _spins(count: int) -> Floats:
    """Return all strings of `count` spins, (2^count, count); the first spin varies slowest."""
    index = np.arange(1 << count)[:, None]
    return np.where((index >> np.arange(count)[::-1]) & 1, -1.0, 1.0)
