"""Clusters by direction: the server divides clients once, by where their changes point.

Until then all share one copy. After `after` rounds the clients heard so far are clustered by the
angles between their last changes of the modules concerned, less the mean change, and every cluster
goes on with a copy of its own. Who is first heard later trains on the undivided copy, and then
joins the cluster whose founding changes point its way.

Reference: Sattler, Müller, Samek 2020 (CFL, arXiv:1910.01991), whose angles and late clients
(algorithm 3) these are; in place of its repeated bipartition one hierarchical clustering after a
fixed round, as in Briggs, Fan, Andras 2020 (FL+HC, arXiv:2004.11791), with average linkage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from qfl.core.errors import ConfigError
from qfl.core.events import UNDIVIDED
from qfl.federation.clusters.division import Direction, OneEach
from qfl.federation.world import World

Vectors = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class ByDirection:
    """The server divides clients by the directions of their changes, once.

    Attributes:
        count: how many clusters; 1 never divides.
        after: the round after which clients are divided, or the first later one in which enough of
            them were heard. What all have in common must be learnt by then: changes point apart
            where the shared copy stands still.
    """

    count: int = 2
    after: int = 3

    def __post_init__(self) -> None:
        if self.count < 1 or self.after < 1:
            raise ConfigError(f"count {self.count} and after {self.after}; allowed: at least 1")

    @property
    def learned(self) -> bool:
        """True: changes say who is where."""
        return True

    def start(self, world: World) -> Directions:
        """Return the clusters: everybody is undivided."""
        return Directions(self, range(len(world.participants)))


class Directions(OneEach):
    """Clusters before and after the server divides them.

    Args:
        options: as set.
        clients: indices of all.
    """

    def __init__(self, options: ByDirection, clients: Iterable[int]) -> None:
        places = map(str, range(options.count)) if options.count > 1 else ()
        super().__init__((UNDIVIDED, *places), dict.fromkeys(clients, UNDIVIDED))
        self._options = options
        self._mean: Vectors = {}
        self._founding: dict[str, Vectors] = {}

    def heard(
        self, told: Mapping[int, str], directions: Mapping[int, Direction], round_index: int
    ) -> Mapping[str, str]:
        """Divide the clients if it is time, or place those that were first heard in this round."""
        seen = {client: found for client, found in directions.items() if found}
        if self._founding:
            for client in told:
                if self.members[client] == UNDIVIDED and client in seen:
                    self.members[client] = self._nearest(seen[client])
            return {}
        if len(self.names) == 1 or round_index < self._options.after:
            return {}
        if len(seen) < self._options.count:
            return {}
        self._divide(seen)
        return dict.fromkeys(self.names[1:], UNDIVIDED)

    def _divide(self, seen: Mapping[int, Direction]) -> None:
        """Place all clients that were heard."""
        known = sorted(seen)
        places = grouped([seen[client] for client in known], self._options.count)
        for client, place in zip(known, places, strict=True):
            self.members[client] = str(place)
        self._mean = _means(seen.values())
        for name in self.names[1:]:
            changes = [seen[c] for c in known if self.members[c] == name]
            self._founding[name] = {m: d - self._mean[m] for m, d in _means(changes).items()}

    def _nearest(self, direction: Direction) -> str:
        """The cluster whose founders' mean change points this way; without a module in common with
        any, still undivided."""
        own = {m: d - self._mean[m] for m, d in direction.items() if m in self._mean and d.size}
        angles = {name: _cosine(own, founding) for name, founding in self._founding.items()}
        best = max(angles, key=lambda name: angles[name])
        return best if angles[best] > 0 else UNDIVIDED


def grouped(directions: list[Direction], count: int) -> list[int]:
    """Return the place of each client, 0 for the first one's, by hierarchical clustering.

    Args:
        directions: of each client, at least `count` of them.
        count: the most places there may be.

    >>> east, west = ({"m": np.array([x, 0.0])} for x in (1.0, -1.0))
    >>> grouped([east, west, east], 2)
    [0, 1, 0]
    """
    if len(directions) == 1:
        return [0]
    mean = _means(directions)
    apart = [{m: d - mean[m] for m, d in direction.items()} for direction in directions]
    angles = [1 - _cosine(one, other) for one, other in combinations(apart, 2)]
    tree = linkage(angles, method="average")
    found = fcluster(tree, t=count, criterion="maxclust").tolist()
    order = {label: place for place, label in enumerate(dict.fromkeys(found))}
    return [order[label] for label in found]


def _means(changes: Iterable[Direction]) -> Vectors:
    """Module -> mean over those who changed it."""
    rows: dict[str, list[NDArray[np.float64]]] = {}
    for change in changes:
        for module, direction in change.items():
            rows.setdefault(module, []).append(direction)
    return {module: np.mean(found, axis=0) for module, found in rows.items()}


def _cosine(left: Mapping[str, NDArray[np.float64]], right: Vectors) -> float:
    """The cosine of the angle between two changes over the modules of both; 0 if there are none."""
    both = [module for module in left if module in right]
    if not both:
        return 0.0
    one, other = (np.concatenate([side[m] for m in both]) for side in (left, right))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
