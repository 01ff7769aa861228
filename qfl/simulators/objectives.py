"""Figures of merit of a cost distribution, with their derivatives: mean, CVaR and Gibbs.

Each is prepared once for the costs of an instance and then maps probabilities (states, columns) to
values (columns,) and derivatives with respect to every probability. Only numpy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Floats = NDArray[np.float64]
Figure = Callable[[Floats], tuple[Floats, Floats]]


def contract(vector: Floats, probabilities: Floats) -> Floats:
    """Return vector @ probabilities without BLAS, whose threads cost more than the sum.

    >>> contract(np.array([1.0, 2.0]), np.eye(2)).tolist()
    [1.0, 2.0]
    """
    return np.asarray(np.einsum("s,sc->c", vector, probabilities))


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean cost.

    >>> value, _ = Mean().prepare(np.array([1.0, 3.0]))(np.array([[0.5], [0.5]]))
    >>> value.tolist()
    [2.0]
    """

    def prepare(self, costs: Floats) -> Figure:
        """Return the figure for states of these costs (m,)."""
        column = costs[:, None]
        return lambda probabilities: (contract(costs, probabilities), column)


@dataclass(frozen=True, slots=True)
class Cvar:
    """The mean of the lowest `alpha` of the probability mass; the boundary counts in part.

    Reference: Barkoutsos et al., arXiv:1907.04769, definition of CVaR.

    >>> costs, mass = np.array([-3.0, -1.0, 0.0, 2.0]), np.array([[0.1], [0.2], [0.3], [0.4]])
    >>> Cvar(0.2).prepare(costs)(mass)[0].round(12).tolist()
    [-2.0]
    """

    alpha: float

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ConfigError(f"CVaR needs alpha in (0, 1], got {self.alpha}")

    def prepare(self, costs: Floats) -> Figure:
        """Return the figure for states of these costs (m,); sorts them once."""
        order = np.argsort(costs, kind="stable")
        ascending = costs[order]

        def figure(probabilities: Floats) -> tuple[Floats, Floats]:
            mass = np.cumsum(probabilities[order], axis=0)
            share = np.minimum(self.alpha, mass[-1])
            boundary = (mass < share).sum(axis=0).clip(max=len(costs) - 1)
            threshold = ascending[boundary]
            derivatives = np.minimum(costs[:, None] - threshold, 0.0) / share
            return threshold + (derivatives * probabilities).sum(axis=0), derivatives

        return figure


@dataclass(frozen=True, slots=True)
class Gibbs:
    """-log <exp(-eta cost)>: rewards low costs exponentially.

    Reference: Li et al., arXiv:1909.07621, definition of the Gibbs objective.

    >>> value, _ = Gibbs(2.0).prepare(np.array([1.0, 1.0]))(np.array([[0.5], [0.5]]))
    >>> value.round(12).tolist()
    [2.0]
    """

    eta: float

    def __post_init__(self) -> None:
        if not 0 < self.eta < np.inf:
            raise ConfigError(f"the Gibbs objective needs eta > 0, got {self.eta}")

    def prepare(self, costs: Floats) -> Figure:
        """Return the figure for states of these costs (m,)."""
        lowest = costs.min()
        weights = np.exp(-self.eta * (costs - lowest))

        def figure(probabilities: Floats) -> tuple[Floats, Floats]:
            total = contract(weights, probabilities)
            return self.eta * lowest - np.log(total), -weights[:, None] / total

        return figure
