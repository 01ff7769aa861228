"""The natural units of angles, so that one schedule fits instances of any size and cost scale.

gamma is measured against the change of cost by one move (a flip, or a swap inside a block); beta
against the gap of the mixer. In these units good angles of K-of-N problems, of MaxCut and of spin
glasses nearly coincide, which is what makes transfer work.
"""

from __future__ import annotations

import numpy as np

from qfl.core.constraints import Blocks
from qfl.core.errors import ConfigError
from qfl.core.qubo import Qubo
from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.scale import move_scale

UNITS = ("move", "max_weight", "none")


def gamma_unit(landscape: Landscape, unit: str = "move") -> float:
    """Return the gamma that counts as 1.

    "move": 2 over the root mean square change of one move. "max_weight": 1 over the largest
    Ising coefficient, as in arXiv:2405.09169. "none": 1.
    """
    if unit == "none":
        return 1.0
    if unit == "max_weight":
        return 1.0 / largest_ising_weight(landscape.encoding.qubo)
    return 2.0 / move_scale(landscape.encoding.qubo, landscape.encoding.blocks)


def beta_unit(mixer: str, blocks: Blocks) -> float:
    """Return the beta that counts as 1: 2 over the gap of the mixer above its start state.

    The gap is 2 for the transverse field, the block size for all pairs of a block, and 1 for a
    projector; ring mixers are products of two-qubit gates and take the gate angle as it is.
    """
    if mixer in ("xy_complete", "xy_trotter"):
        sizes = [len(variables) for variables, ones in blocks if 0 < ones < len(variables)]
        return 2.0 / float(np.mean(sizes)) if sizes else 1.0
    return 2.0 if mixer == "grover" else 1.0


def in_units(landscape: Landscape, angles: Angles, *, unit: str = "move") -> Angles:
    """Return `angles`, given in units, as the radians that the landscape takes."""
    scale = [gamma_unit(landscape, unit), beta_unit(landscape.mixer, landscape.encoding.blocks)]
    return angles * np.array(scale)[:, None]


def largest_ising_weight(qubo: Qubo) -> float:
    """Return the largest absolute field or coupling.

    Raises:
        ConfigError: all of them are zero.
    """
    ising = qubo.to_ising()
    largest = float(max(np.abs(ising.fields).max(), np.abs(ising.couplings).max()))
    if largest == 0.0:
        raise ConfigError("unit 'max_weight' divides by the largest weight, but all are zero")
    return largest
