"""How many states have each cost, counted without listing them; and states drawn by their cost.

Variables are decided one after another. Beginnings with the same cost so far, the same numbers of
ones and the same effect on the variables still open are one, and their numbers of states add up. So
the work grows with what can be told apart, not with the states: few distinct costs among variables
that are alike or coupled to few others can be counted for any number of variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import CapacityError
from qfl.simulators.operations import Floats

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One variable decided: the ways from beginnings without it to those with it, by their end.

    Attributes:
        parent, bit: (ways,) the beginning left behind and the value taken.
        start: (ends + 1,) where the ways of each end begin.
        reach: (ways,) end + the share of its states that come by this way or one before it.
    """

    variable: int
    parent: Indices
    bit: NDArray[np.uint8]
    start: Indices
    reach: Floats


class Levels:
    """The distinct costs of the states that an ansatz allows, and how many have each.

    Costs closer than 1e-12 of the sum of all coefficients are one.

    Args:
        ansatz: its costs and blocks; without blocks all states count.
        limit: the most beginnings to tell apart.

    Attributes:
        values: (m,) distinct costs, ascending.
        counts: (m,) how many states have each: whole numbers of any size.

    Raises:
        CapacityError: more than `limit` beginnings.

    >>> pair, half = np.eye(40, k=39), ((tuple(range(40)), 20),)  # costs 1 if both are chosen
    >>> found = Levels(QaoaAnsatz(0.0, np.zeros(40), pair, "grover", 1, half))
    >>> found.values.tolist(), found.counts
    ([0.0, 1.0], [104268528210, 33578000610])
    """

    def __init__(self, ansatz: QaoaAnsatz, *, limit: int = 1 << 16) -> None:
        self.n, self._ansatz = ansatz.n, ansatz
        self._steps: list[_Step] = []
        self._quantum = _scale(ansatz) * 2.0**-40
        self.values, counts = self._count(limit)
        self.counts = [int(count) for count in counts]

    def draw(self, levels: Indices, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a state of each of these levels (shots,), uniform among its states; (shots, n)."""
        states = np.zeros((len(levels), self.n), dtype=np.uint8)
        at = np.asarray(levels, dtype=np.intp)
        for step in reversed(self._steps):
            way = np.searchsorted(step.reach, at + rng.random(len(at)), side="right")
            way = np.clip(way, step.start[at], step.start[at + 1] - 1)
            states[:, step.variable] = step.bit[way]
            at = step.parent[way]
        return states

    def of(self, states: NDArray[np.uint8]) -> Indices:
        """Return the level (m,) of each allowed state (m, n)."""
        bits = states.astype(np.float64)
        costs = self._ansatz.constant + bits @ self._ansatz.linear
        costs += ((bits @ self._ansatz.quadratic) * bits).sum(1)
        middles = (self.values[1:] + self.values[:-1]) / 2
        return np.searchsorted(middles, costs)

    def _count(self, limit: int) -> tuple[Floats, NDArray[np.object_]]:
        """Return distinct costs and their numbers of states; keep the steps that led to them."""
        both = self._ansatz.quadratic + self._ansatz.quadratic.T
        blocks = _Blocks(self._ansatz)
        costs = np.array([float(self._ansatz.constant)])
        ones = np.zeros((1, len(blocks.ones)), dtype=np.int64)
        counts: NDArray[np.object_] = np.array([1], dtype=object)
        slopes, open_ones = np.zeros((1, 0)), np.zeros(0, dtype=np.intp)
        undecided = np.ones(self.n, dtype=np.bool_)
        for variable in reverse_cuthill_mckee(csr_array(both != 0), symmetric_mode=True):
            undecided[variable] = False
            here = np.flatnonzero(open_ones == variable)
            slope = self._ansatz.linear[variable] + slopes[:, here].sum(1)
            coupled = np.flatnonzero(undecided & (both[variable] != 0))
            kept = np.delete(open_ones, here)
            grown = np.union1d(kept, coupled)
            wider = np.zeros((len(slopes), len(grown)))
            wider[:, np.searchsorted(grown, kept)] = np.delete(slopes, here, axis=1)
            open_ones, parent = grown, np.tile(np.arange(len(costs)), 2)
            bit = np.repeat(np.array([0, 1], dtype=np.uint8), len(costs))
            costs = np.concatenate([costs, costs + slope])
            slopes = np.concatenate([wider, wider + both[variable, grown]])
            ones, possible = blocks.after(variable, ones, undecided)
            keys = np.column_stack([self._rounded(costs), ones, self._rounded(slopes)])
            _, first, end = np.unique(
                keys[possible], axis=0, return_index=True, return_inverse=True
            )
            if len(first) > limit:
                raise CapacityError(
                    f"after {int((~undecided).sum())} of {self.n} variables more than {limit:,} "
                    "beginnings differ in cost or in what they leave open; raise `limit` of "
                    "backend 'levels', or use backend 'subspace' if the states fit the memory"
                )
            parent, bit, end = parent[possible], bit[possible], end.ravel()
            total = np.zeros(len(first), dtype=object)
            np.add.at(total, end, counts[parent])
            self._steps.append(_step(int(variable), parent, bit, end, counts[parent], total))
            counts, chosen = total, possible[first]
            costs, slopes, ones = costs[chosen], slopes[chosen], ones[chosen]
        return costs, counts

    def _rounded(self, values: Floats) -> NDArray[np.int64]:
        return np.round(values / self._quantum).astype(np.int64)


class _Blocks:
    """The numbers of ones that beginnings may have."""

    def __init__(self, ansatz: QaoaAnsatz) -> None:
        self.ones = [ones for _, ones in ansatz.blocks]
        self._owner = np.full(ansatz.n, -1)
        for block, (variables, _) in enumerate(ansatz.blocks):
            self._owner[list(variables)] = block

    def after(
        self, variable: int, ones: NDArray[np.int64], undecided: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Indices]:
        """Return the ones (2 m, blocks) with `variable` at 0, then at 1, and which can go on."""
        both, block = np.concatenate([ones, ones]), self._owner[variable]
        if block < 0:
            return both, np.arange(len(both))
        both[len(ones) :, block] += 1
        missing = self.ones[block] - both[:, block]
        left = int((undecided & (self._owner == block)).sum())
        return both, np.flatnonzero((missing >= 0) & (missing <= left))


def _step(
    variable: int,
    parent: Indices,
    bit: NDArray[np.uint8],
    end: Indices,
    counts: NDArray[np.object_],
    total: NDArray[np.object_],
) -> _Step:
    """Return the ways sorted by their end; counts are those of their parents, total of the ends."""
    order = np.argsort(end, kind="stable")
    end = end[order]
    start = np.searchsorted(end, np.arange(len(total) + 1))
    sums = np.cumsum((counts[order] / total[end]).astype(np.float64))
    before = np.concatenate([[0.0], sums])[start[:-1]]
    return _Step(variable, parent[order], bit[order], start, end + sums - before[end])


def _scale(ansatz: QaoaAnsatz) -> float:
    """Return a bound on every cost and slope; 1 if all coefficients are zero."""
    parts = (ansatz.linear, ansatz.quadratic, ansatz.constant)
    return sum(float(np.abs(part).sum()) for part in parts) or 1.0
