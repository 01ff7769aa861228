"""Whom a federation of very many clients asks at all: a panel for tests, a pool for decisions.

Both are drawn from streams of their own, so that all methods of a seed meet the same clients, and
both are named in the records.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.core.rng import Streams
from qfl.federation.population import Population


def some(numbers: Sequence[int], *, most: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Return the places of at most `most` clients, in order; of all if there are no more.

    Every number has a lot of its own, and the least lots win: whoever leaves changes nobody's.

    Args:
        numbers: of all clients, see `Population.numbers`.
        most: how many at most.
        rng: draws the lots.

    >>> some((0, 1, 2), most=3, rng=np.random.default_rng(0))
    (0, 1, 2)
    >>> some((0, 1, 2, 5), most=2, rng=np.random.default_rng(0))
    (1, 2)
    """
    if len(numbers) <= most:
        return tuple(range(len(numbers)))
    found = np.asarray(numbers)
    lots = rng.random(int(found.max()) + 1)[found]
    return tuple(sorted(np.argpartition(lots, most)[:most].tolist()))


def evaluated(
    population: Population, most: int, streams: Streams, panel: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Return the places of the clients that are evaluated.

    Args:
        population: who is here.
        most: how many at most.
        streams: of the cell; the panel of a seed is the same for all methods.
        panel: numbers of those drawn from more clients than are here; None draws from those.
    """
    if panel is None:
        return some(population.numbers, most=most, rng=streams("panel"))
    return tuple(np.flatnonzero(np.isin(population.numbers, panel)).tolist())


def stated(population: Population, evaluated: int, candidates: int) -> dict[str, float]:
    """Return the facts that the first record states: of the data, and of a panel and of pools if
    those are fewer than all clients.

    Args:
        population: who takes part.
        evaluated, candidates: most clients of a panel, and of a pool.
    """
    clients = len(population.clients)
    asked = {"evaluated_clients": evaluated, "candidates": candidates}
    fewer = {name: float(most) for name, most in asked.items() if most < clients}
    registered = {"clients": float(clients)} if fewer else {}
    return {**population.facts, **registered, **fewer}
