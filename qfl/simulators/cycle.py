"""QAOA for MaxCut on a cycle of any length and at any depth, as free fermions.

The Jordan-Wigner transform splits the state into pairs of momenta (k, -k), each a spin that phase
layers turn about (sin k, 0, -cos k) and mixer layers about z; it starts at the north pole. Angles
are those for H = -cut. Only numpy and scipy may be imported here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from qfl.core.errors import ConfigError

Floats = NDArray[np.float64]


def cycle_cut(angles: ArrayLike, *, nodes: int) -> float:
    """Return the expected fraction of the edges of a cycle that are cut.

    Args:
        angles: (2, p) radians: gammas > 0, then betas < 0 towards the maximum cut.
        nodes: of the cycle, >= 3. Cycles with more than 2p + 1 nodes all have the value of the
            infinite path.

    Raises:
        ConfigError: angles of another shape, or fewer nodes.

    Reference:
        Wang, Hadfield, Jiang, Rieffel, arXiv:1706.02998 (the ring of disagrees).

    >>> round(cycle_cut([[np.pi / 4], [-np.pi / 8]], nodes=1000), 12)
    0.75
    """
    return cycle_cut_and_gradient(angles, nodes=nodes)[0]


def cycle_cut_and_gradient(angles: ArrayLike, *, nodes: int) -> tuple[float, Floats]:
    """Return the cut fraction and its gradient (2, p); arguments as for `cycle_cut`."""
    layers = _checked(angles, nodes)
    nodes = min(nodes, 2 * layers.shape[1] + 2 + nodes % 2)  # all longer cycles have one value
    momenta = np.pi * np.arange(1, nodes, 2) / nodes
    phase = np.stack([np.sin(momenta), np.zeros_like(momenta), -np.cos(momenta)])
    mixer = np.stack([np.zeros_like(momenta), np.zeros_like(momenta), np.ones_like(momenta)])
    turns = [
        turn
        for gamma, beta in layers.T.tolist()
        for turn in ((phase, 2.0 * gamma), (mixer, 4.0 * beta))
    ]
    spins = [mixer]
    for turn in turns:
        spins.append(_turned(spins[-1], *turn))
    share = -phase / nodes  # of -<ZZ> / 2; an odd cycle's momentum pi stays empty
    value = 0.5 - nodes % 2 / (2 * nodes) + float((share * spins[-1]).sum())
    slopes = np.zeros(len(turns))
    for place in range(len(turns) - 1, -1, -1):
        axis, angle = turns[place]
        slopes[place] = (share * _cross(axis, spins[place + 1])).sum()
        share = _turned(share, axis, -angle)
    return value, slopes.reshape(-1, 2).T * [[2.0], [4.0]]


def best_cycle_angles(*, nodes: int, depth: int) -> Floats:
    """Return the angles (2, depth) with the largest cut fraction that L-BFGS found, depth by depth.

    On cycles with more than 2p + 1 nodes it reaches (2p + 1)/(2p + 2), the maximum.

    Raises:
        ConfigError: depth below 1, or fewer than 3 nodes.

    >>> best_cycle_angles(nodes=8, depth=2).round(3).tolist()
    [[0.656, 1.243], [-0.621, -0.328]]
    """
    if depth < 1:
        raise ConfigError(f"angles need a depth of at least 1, got {depth}")
    angles = _checked([[np.pi / 4], [-np.pi / 8]], nodes)

    def loss(vector: Floats) -> tuple[float, Floats]:
        value, gradient = cycle_cut_and_gradient(vector.reshape(2, -1), nodes=nodes)
        return -value, -gradient.ravel()

    for layers in range(1, depth + 1):
        start = angles if layers == 1 else one_more_layer(angles)
        tolerance = 1e-10 if layers == depth else 1e-4
        options = {"maxfun": 20_000, "maxcor": 30, "ftol": 1e-16, "gtol": tolerance}
        found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
        angles = np.asarray(found.x).reshape(2, layers)
    return angles


def one_more_layer(angles: Floats) -> Floats:
    """Return (2, p + 1) angles from (2, p) by INTERP, arXiv:1812.01041, appendix B.

    >>> one_more_layer(np.array([[0.4, 0.8], [-0.4, -0.2]])).round(3).tolist()
    [[0.4, 0.6, 0.8], [-0.4, -0.3, -0.2]]
    """
    p = angles.shape[1]
    share = np.arange(p + 1) / p
    padded = np.pad(angles, ((0, 0), (1, 1)))
    return share * padded[:, :-1] + (1 - share) * padded[:, 1:]


def _checked(angles: ArrayLike, nodes: int) -> Floats:
    array = np.array(angles, dtype=np.float64)
    if array.ndim != 2 or len(array) != 2 or not np.isfinite(array).all():
        raise ConfigError(
            f"angles must be finite, of shape (2, depth), gammas then betas, got {array.tolist()}"
        )
    if nodes < 3:
        raise ConfigError(f"a cycle needs at least 3 nodes, got {nodes}")
    return array


def _turned(spins: Floats, axis: Floats, angle: float) -> Floats:
    """Return spins (3, m) turned by `angle` about unit axes (3, m)."""
    along = (axis * spins).sum(0) * axis
    turned: Floats = along + np.cos(angle) * (spins - along) + np.sin(angle) * _cross(axis, spins)
    return turned


def _cross(a: Floats, b: Floats) -> Floats:
    """Return the cross products of columns; for so few columns numpy's own takes far longer."""
    return np.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )
