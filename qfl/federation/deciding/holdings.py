"""Pairs of a modality and a task: who holds them, how long they have waited, who holds the same.

A pair is what a client declares before the first round; every module lies on the path of some
pair, so where no pair starves, no module does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from qfl.core.tasks import Modality, Samples, Task
from qfl.federation.population import Client

Pair = tuple[str, str]
"""A modality and a task."""


def declared(clients: Sequence[Client]) -> dict[str, dict[str, list[str]]]:
    """Return client -> the names of its modalities and of its tasks."""
    return {c.name: _declared(c.modalities, c.tasks) for c in clients}


@cache
def _declared(modalities: tuple[Modality, ...], tasks: tuple[Task, ...]) -> dict[str, list[str]]:
    """One answer for all who hold the same; nobody changes it."""
    return {"modalities": [m.name for m in modalities], "tasks": [t.name for t in tasks]}


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """Who holds how much of what.

    Attributes:
        pairs: (modality, task), in a fixed order; those that somebody holds.
        shares: (n_clients, n_pairs) part of a client's training samples that have both, 0..1.
    """

    pairs: tuple[tuple[str, str], ...]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, clients: Sequence[Client]) -> Holdings:
        """Return what these clients hold."""
        own = [_shares_of(client.train) for client in clients]
        pairs = tuple(dict.fromkeys(pair for shares in own for pair in shares))
        return cls(pairs, np.array([[shares.get(pair, 0.0) for pair in pairs] for shares in own]))

    def overlap(self, pool: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Return (k, k) how much two clients of the pool, by default of all, hold the same:
        symmetric, zero diagonal, in 0..1.

        The Jaccard index of their pairs, those weighed that only some of their samples have: the
        sum of the lesser shares over the sum of the greater ones.

        >>> pairs = (("audio", "digit"), ("image", "digit"))
        >>> Holdings(pairs, np.array([[1.0, 1.0], [1.0, 0.0]])).overlap().tolist()
        [[0.0, 0.5], [0.5, 0.0]]
        """
        shares = self.shares if pool is None else self.shares[list(pool)]
        least, most = np.zeros((2, len(shares), len(shares)))
        for column in shares.T:
            least += np.minimum.outer(column, column)
            most += np.maximum.outer(column, column)
        matrix = least / np.where(most > 0, most, 1.0)
        np.fill_diagonal(matrix, 0.0)
        return matrix

    def waiting(self, last_round: Mapping[int, int], round_index: int) -> NDArray[np.float64]:
        """Return (n,) the rounds since the most neglected pair of each client was trained.

        Args:
            last_round: client index -> the round it last contributed to.
            round_index: the present one.
        """
        last = np.zeros(len(self.shares), dtype=np.int64)
        last[np.fromiter(last_round, np.intp)] = list(last_round.values())
        held = self.shares > 0
        trained = np.where(held, last[:, None], 0).max(0)
        return np.where(held, round_index - trained, 0).max(1).astype(np.float64)


class Trainings:
    """In how many rounds every pair that a client declares was trained.

    Args:
        clients: of the federation.
        before: rounds of each pair in the federation that this one continues.
    """

    def __init__(self, clients: Sequence[Client], before: Mapping[Pair, int] | None = None) -> None:
        self._held = {c.name: _pairs(c.modalities, c.tasks) for c in clients}
        kinds = set(self._held.values())
        self._differ, self._all = len(kinds) > 1, frozenset[Pair]().union(*kinds)
        self._rounds = Counter(before or {})

    @property
    def rounds(self) -> Mapping[Pair, int]:
        """Pair -> rounds so far in which the change of one client that holds it arrived."""
        return dict(self._rounds)

    def note(self, delivered: Iterable[str]) -> int | None:
        """Count a round in which the changes of these clients arrived; return the rounds of the
        pair that has fewest, None where all clients hold the same."""
        self._rounds.update(set().union(*(self._held[name] for name in delivered)))
        return min(self._rounds[pair] for pair in self._all) if self._differ else None


@cache
def _pairs(modalities: tuple[Modality, ...], tasks: tuple[Task, ...]) -> frozenset[Pair]:
    """One set for all who hold the same."""
    return frozenset(product((m.name for m in modalities), (t.name for t in tasks)))


class Coverage:
    """How well the clients of every round cover the modalities, where samples may lack some.

    Args:
        clients: of the federation.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        self._sizes = np.array([len(c.train) for c in clients])
        self._incomplete = any(c.train.available for c in clients)
        self._rounds: list[float] = []
        if self._incomplete:
            names = dict.fromkeys(name for c in clients for name in c.train.inputs)
            self._having = np.array([[_having(c.train, name) for name in names] for c in clients])

    def note(self, chosen: Sequence[int]) -> dict[str, float]:
        """Return {"modality_coverage": mean over the rounds so far}, this one with the clients
        `chosen`: the part of their training samples that have the modality that fewest have. Empty
        if all samples are complete."""
        if not self._incomplete:
            return {}
        rows = list(chosen)
        self._rounds.append(float(self._having[rows].sum(0).min() / self._sizes[rows].sum()))
        return {"modality_coverage": sum(self._rounds) / len(self._rounds)}


def _having(samples: Samples, modality: str) -> int:
    """How many samples have a modality."""
    if modality not in samples.inputs:
        return 0
    return int(samples.available.get(modality, np.ones(len(samples), np.bool_)).sum())


def _shares_of(samples: Samples) -> dict[tuple[str, str], float]:
    """Return the part of the samples that have each pair, where any has."""
    if not samples.available and not samples.labelled:
        return dict.fromkeys(product(samples.inputs, samples.targets), 1.0)
    everywhere = np.ones(len(samples), np.bool_)
    found = {}
    for modality, task in product(samples.inputs, samples.targets):
        there = samples.available.get(modality, everywhere)
        known = samples.labelled.get(task, everywhere)
        found[modality, task] = float((there & known).mean())
    return {pair: share for pair, share in found.items() if share > 0}
