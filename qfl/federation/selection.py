"""What the server knows about its clients, and the utilities, redundancies and costs it implies.

Only things a server may know enter: reported training losses, who took part when, sample counts,
updates that arrived, link and device speed. Everything is scaled to 0..1 before it is weighted, so
that the weights of a study keep their meaning from the first round to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qfl.core.problem import Problem
from qfl.core.update import Update

Propose = Callable[..., Problem]
"""Builds the selection problem of a round from utilities, redundancies and costs."""


@dataclass(frozen=True, slots=True)
class SelectionWeights:
    """How much each consideration counts in the objective of a round's decision.

    Attributes:
        loss: clients whose last reported loss is high have more to teach.
        staleness: clients not heard for long know what the model has forgotten.
        samples: clients with more data move the mean closer to the pooled one.
        redundancy: pairs whose last updates point the same way add little to each other.
        latency: slow clients make the round longer.
    """

    loss: float = 1.0
    staleness: float = 0.5
    samples: float = 0.5
    redundancy: float = 0.5
    latency: float = 0.3


@dataclass(slots=True)
class Observations:
    """The server's memory; grows as rounds go by.

    Attributes:
        losses: client index -> sum of its tasks' training losses, as last reported.
        last_round: client index -> the round it last contributed to.
        directions: client index -> module -> flattened change it last sent, unit length.
    """

    losses: dict[int, float] = field(default_factory=dict)
    last_round: dict[int, int] = field(default_factory=dict)
    directions: dict[int, dict[str, NDArray[np.float64]]] = field(default_factory=dict)

    def note(
        self,
        client: int,
        *,
        round_index: int,
        losses: Mapping[str, float],
        sent: Update,
        received: Update,
    ) -> None:
        """Remember what `client` sent in answer to what it had received."""
        self.losses[client] = sum(losses.values())
        self.last_round[client] = round_index
        self.directions[client] = {
            module: _direction(sent.modules[module], received.modules[module])
            for module in sent.modules
        }

    def utility(
        self, samples: NDArray[np.int64], weights: SelectionWeights, round_index: int
    ) -> NDArray[np.float64]:
        """Return the (n,) utility of each client; one never heard counts as new and uncertain."""
        n = len(samples)
        highest = max(self.losses.values(), default=1.0) or 1.0
        loss = np.array([self.losses.get(i, highest) / highest for i in range(n)])
        age = np.array([round_index - self.last_round.get(i, 0) for i in range(n)]) / round_index
        size = np.sqrt(samples / samples.max())
        return weights.loss * loss + weights.staleness * age + weights.samples * size

    def redundancy(self, holdings: Sequence[frozenset[str]]) -> NDArray[np.float64]:
        """Return the (n, n) redundancy of pairs: symmetric, zero diagonal, in 0..1.

        Mean over the union of their modules of the cosine between their last changes (0 where it
        is negative or only one holds the module); before both were heard, the share of modules
        that both hold.
        """
        n = len(holdings)
        matrix = np.zeros((n, n))
        for i in range(n):
            for j in range(i):
                matrix[i, j] = matrix[j, i] = self._pair(i, j, holdings)
        return matrix

    def _pair(self, i: int, j: int, holdings: Sequence[frozenset[str]]) -> float:
        common, union = holdings[i] & holdings[j], holdings[i] | holdings[j]
        if i not in self.directions or j not in self.directions:
            return len(common) / len(union)
        left, right = self.directions[i], self.directions[j]
        cosines = [max(0.0, float(left[module] @ right[module])) for module in sorted(common)]
        return sum(cosines) / len(union)


def _direction(
    sent: Mapping[str, NDArray[np.float32]], received: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float64]:
    change = np.concatenate(
        [(sent[name].astype(np.float64) - received[name]).ravel() for name in sorted(sent)]
    )
    norm = float(np.linalg.norm(change))
    return change / norm if norm > 0 else change
