"""Client selection: which K of N clients train this round.

Minimise sum_i (-utility_i + cost_i) x_i + weight * sum_{i<j} redundancy_ij x_i x_j with sum x = K.
All terms are dimensionless: whoever knows seconds and joules weighs them before calling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.constraints import Exactly
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems.checks import finite, symmetric, vector, whole, within


def client_selection(
    *,
    utility: ArrayLike,
    redundancy: ArrayLike,
    choose: int,
    cost: ArrayLike | None = None,
    redundancy_weight: float = 1.0,
    names: tuple[str, ...] | None = None,
) -> Problem:
    """Return the problem of choosing `choose` clients; smaller energy is better.

    Args:
        utility: (n_clients,) float, what a client's update is worth, larger is better.
        redundancy: (n_clients, n_clients) float, symmetric; how much two clients duplicate each
            other. The diagonal is not used.
        choose: how many clients, 0..n_clients.
        cost: (n_clients,) float, link and energy cost in units of utility; zero if None.
        redundancy_weight: units of utility per unit of redundancy.
        names: one per client; client-00, client-01, ... if None.

    Raises:
        ProblemError: a wrong shape, a value that is not finite, an asymmetric redundancy, or
            `choose` outside 0..n_clients.

    Reference:
        arXiv:2511.02785 (client selection as a QUBO with update similarities).

    >>> problem = client_selection(utility=[3, 2, 2], redundancy=np.eye(3), choose=2)
    >>> float(problem.qubo.energy([1, 0, 1])), problem.decode(problem.names, [1, 0, 1])
    (-5.0, ('client-00', 'client-02'))
    """
    gain = vector("utility", utility)
    n = len(gain)
    overlap = symmetric("redundancy", redundancy, n)
    price = np.zeros(n) if cost is None else vector("cost", cost, n)
    weight = finite("redundancy_weight", redundancy_weight)
    return Problem(
        kind="client_selection",
        qubo=Qubo(0.0, price - gain, weight * np.triu(overlap, 1)),
        constraint=Exactly(whole("choose", choose, 0, n)),
        names=names or tuple(f"client-{i:02d}" for i in range(n)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSelection:
    """Random selection instances: clients with skewed labels behind links of unequal cost.

    Attributes:
        clients, choose: N and K.
        redundancy_weight: weight of the cosine similarity of two clients' label shares.
        cost_weight: weight of the link cost (log-normal, mean 1).
        label_skew: Dirichlet concentration of the label shares over 10 classes, above 0.
    """

    clients: int
    choose: int
    redundancy_weight: float = 0.5
    cost_weight: float = 0.2
    label_skew: float = 0.3

    def __post_init__(self) -> None:
        whole("choose", self.choose, 0, whole("clients", self.clients, 1, 10_000))
        finite("redundancy_weight", self.redundancy_weight)
        finite("cost_weight", self.cost_weight)
        within("label_skew", self.label_skew, 0.0)

    def draw(self, rng: np.random.Generator) -> Problem:
        """Return one instance."""
        n = self.clients
        shares = rng.dirichlet(np.full(10, self.label_skew), size=n)
        directions = shares / np.linalg.norm(shares, axis=1, keepdims=True)
        similarity = directions @ directions.T
        return client_selection(
            utility=rng.uniform(0.5, 1.5, size=n),
            redundancy=(similarity + similarity.T) / 2,
            choose=self.choose,
            cost=self.cost_weight * rng.lognormal(-0.125, 0.5, size=n),
            redundancy_weight=self.redundancy_weight,
        )
