"""The best angles for MaxCut on infinite regular trees: from our table, or trained from scratch.

`data/tree_angles.json` holds what `trained` found on the 3-regular tree, depth by depth.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qfl.core.errors import CapacityError, ConfigError
from qfl.simulators.cycle import best_cycle_angles, one_more_layer
from qfl.simulators.infinite_tree import EXACT_DEPTH, cut_fraction_and_gradient

Floats = NDArray[np.float64]
TRAINED_DEPTH = 9
"""Up to here angles are trained when asked for."""


def best_cut_angles(*, degree: int, depth: int) -> Floats:
    """Return the angles (2, depth) with the largest known cut fraction on the regular tree.

    Up to TRAINED_DEPTH, and at any depth on the 2-regular tree (a path), they are at a maximum that
    L-BFGS reached, one depth after the other; no proof says that it is the global one. The signs
    are those for H = -cut.

    Raises:
        ConfigError: depth below 1, or a degree below 2.
        CapacityError: too deep to train, and not in the table.

    >>> best_cut_angles(degree=3, depth=1).round(6).tolist()
    [[0.61548], [-0.392699]]
    """
    if depth < 1:
        raise ConfigError(f"angles need a depth of at least 1, got {depth}")
    if degree == 2:
        return best_cycle_angles(nodes=2 * depth + 2, depth=depth)
    table = _table(degree)
    if depth in table:
        return table[depth].copy()
    if depth > TRAINED_DEPTH:
        raise CapacityError(
            f"depth {depth} on the {degree}-regular tree is not in the table and too deep to "
            f"train on the spot (at most {TRAINED_DEPTH}); give `trained` interpolated angles"
        )
    return _grown(degree, depth)


def trained(start: Floats, *, degree: int, bond: int = 64) -> Floats:
    """Return angles at a maximum of the cut fraction, found by L-BFGS from `start` (2, depth)."""

    def loss(vector: Floats) -> tuple[float, Floats]:
        angles = vector.reshape(2, -1)
        value, gradient = cut_fraction_and_gradient(angles, degree=degree, bond=bond)
        return -value, -gradient.ravel()

    exact = start.shape[1] <= EXACT_DEPTH
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-8 if exact else 1e-5, "maxcor": 30}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(start.shape)


def _grown(degree: int, depth: int) -> Floats:
    """Return angles trained at every depth from 1, each from the interpolated ones before."""
    angles = np.array([[1.0 / np.sqrt(degree)], [-np.pi / 8]])
    for layers in range(1, depth + 1):
        if layers > 1:
            angles = one_more_layer(angles)
        angles = trained(angles, degree=degree)
    return angles


@cache
def _table(degree: int) -> dict[int, Floats]:
    text = files("qfl.simulators").joinpath("data/tree_angles.json").read_text("utf-8")
    return {
        row["depth"]: np.array([row["gamma"], row["beta"]])
        for row in json.loads(text)["rows"]
        if row["degree"] == degree
    }
