"""The weighted chain of the public linear-ramp benchmark: real devices have results on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.constraints import Unconstrained
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems.checks import vector, whole

_WEIGHTS = (
    *(0.1, 0.3, 0.1, 0.5, 0.3, 0.1, 0.1, 0.5, 1.0, 1.0),
    *(0.3, 0.3, 0.1, 0.2, 0.2, 0.3, 1.0, 0.3, 0.2, 0.2),
    *(0.1, 0.5, 0.1, 1.0, 0.5, 0.1, 0.1, 0.3, 0.5, 0.1, 0.1),
)
"""Drawn by Python's `random` with seed 123 from (0.1, 0.2, 0.3, 0.5, 1.0), as metriq-gym does."""


def chain(*, weights: ArrayLike) -> Problem:
    """Return the problem of minimising sum_i w_i Z_i Z_(i+1) with Z = 1 - 2x.

    The approximation ratio of this energy is the share of the weight that is cut.

    Args:
        weights: (n - 1,) float, of the bonds in order; with all of them positive the alternating
            bit strings are the optimum.

    >>> float(chain(weights=[0.5, 1.0]).qubo.energy([0, 1, 0]))
    -1.5
    """
    bonds = vector("weights", weights)
    return Problem(
        kind="chain",
        qubo=Qubo(
            float(bonds.sum()),
            -2 * (np.append(bonds, 0) + np.append(0, bonds)),
            np.diag(4 * bonds, 1),
        ),
        constraint=Unconstrained(),
        names=tuple(map(str, range(len(bonds) + 1))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicChain:
    """The instance that metriq-gym gives its devices: the same one for every seed.

    Attributes:
        nodes: qubits; a shorter chain is the beginning of a longer one.

    >>> PublicChain(nodes=5).draw(np.random.default_rng(0)).qubo.constant
    1.0
    """

    nodes: int = 10

    def draw(self, rng: np.random.Generator) -> Problem:
        """Return the instance; `rng` is not used."""
        return chain(weights=_WEIGHTS[: whole("nodes", self.nodes, 2, len(_WEIGHTS) + 1) - 1])
