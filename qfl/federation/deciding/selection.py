"""What the server knows about its clients, and the utilities and redundancies it implies.

Only things a server may know enter: reported training losses, who took part when, sample counts,
updates that arrived, key left on links, modalities and tasks. Every term is scaled to at most 1
before it is weighted, so that the weights of a study keep their meaning from the first round to the
last. Coverage alone grows without bound: that is how it wins in the end, whatever its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.events import Staleness
from qfl.core.problem import Problem
from qfl.core.ranges import check_ranges
from qfl.core.update import Update
from qfl.federation.averaging.lora import multiplied
from qfl.federation.averaging.versions import Homes, Versions
from qfl.models.m3t import State

MOST_CANDIDATES = 5_000
"""Of whom a matrix of all pairs takes 200 MB."""
REMEMBERED = 100
"""Clients whose last change the server remembers, to tell who pulls the model the same way."""

Propose = Callable[..., Problem]
"""Builds the selection problem of a round from utilities, redundancies and costs."""


@dataclass(frozen=True, slots=True)
class SelectionWeights:
    """How much each consideration counts in the objective of a round's decision, at least 0.

    Attributes:
        loss: clients whose last reported loss is high have more to teach.
        staleness: clients not heard for long know what the model has forgotten.
        samples: clients with more data move the mean closer to the pooled one.
        redundancy: pairs that pull the model the same way add little to each other.
        latency: slow clients make the round longer.
        coverage: rounds since the most neglected pair of a modality and a task of a client was
            trained by anybody, in units of the rounds in which everybody is called once. Above 0,
            no pair, and so no module, waits for ever.
        keys: clients whose links have much key left can be called again.
        overlap: pairs of clients that hold the same modalities and tasks add little to each other.
        candidates: most clients among which a round chooses. Of more, a pool of so many is drawn
            first, anew in every round and the same for all methods of a seed: the objective has a
            term for every pair, fifty million among 10,000 clients.
    """

    loss: float = 1.0
    staleness: float = 1.0
    samples: float = 0.5
    redundancy: float = 1.0
    latency: float = 0.3
    coverage: float = 0.0
    keys: float = 0.0
    overlap: float = 0.0
    candidates: int = 200

    def __post_init__(self) -> None:
        weights = set(self.__slots__) - {"candidates"}
        check_ranges(self, dict.fromkeys(sorted(weights), "[0, inf)"))
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise ConfigError(
                f"candidates must lie in 1..{MOST_CANDIDATES}, got {self.candidates}; every pair "
                "of them has a term in the objective. Of more clients a pool is drawn first"
            )


@dataclass(slots=True)
class Observations:
    """The server's memory; grows as rounds go by.

    Attributes:
        clients: how many there are.
        losses: client index -> mean of its tasks' training losses, as last reported.
        last_round: client index -> the round it last contributed to.
        directions: client index -> module -> flattened change it last sent, unit length; of the
            `REMEMBERED` clients heard last, for each is as large as a model.
        key_bits: client index -> key left on its link, as of its last key exchange.
        versions: when each module was last refreshed.
    """

    clients: int
    losses: dict[int, float] = field(default_factory=dict)
    last_round: dict[int, int] = field(default_factory=dict)
    directions: dict[int, dict[str, NDArray[np.float64]]] = field(default_factory=dict)
    key_bits: dict[int, int] = field(default_factory=dict)
    versions: Versions = field(default_factory=Versions)

    @classmethod
    def before(cls, state: State, *, clients: int) -> Observations:
        """Return the memory of a server that has seen nothing but its own modules."""
        return cls(clients, versions=Versions(seen=dict(state)))

    def ages(self, round_index: int, state: State, homes: Homes) -> Staleness | None:
        """Return how old modules are after a round, None if all are fresh and nobody keeps any.

        Args:
            round_index: of the round that was learnt from since this was last asked.
            state: the server's modules now.
            homes: what clients keep, and which modules travel.
        """
        return self.versions.staleness(round_index, state, homes)

    def note(
        self,
        client: int,
        *,
        round_index: int,
        losses: Mapping[str, float],
        sent: Update | None,
        received: Update,
    ) -> None:
        """Remember what `client` sent in answer to what it had received, if that was seen."""
        if losses:
            self.losses[client] = sum(losses.values()) / len(losses)
        self.last_round[client] = round_index
        if sent is None or not sent.modules:
            return
        self.directions[client] = {
            module: _direction(sent.modules[module], received.modules[module])
            for module in sent.modules
        }
        if len(self.directions) > REMEMBERED:
            del self.directions[min(self.directions, key=lambda i: self.last_round[i])]

    def utility(
        self,
        samples: NDArray[np.int64],
        weights: SelectionWeights,
        round_index: int,
        pool: Sequence[int] | None = None,
    ) -> NDArray[np.float64]:
        """Return the utility of each client; one never heard counts as new and uncertain.

        Args:
            samples: (n,) for training, of all clients.
            weights: of the considerations.
            round_index: the present round.
            pool: the clients in question, in order; None: all.
        """
        asked = range(self.clients) if pool is None else pool
        highest = max(self.losses.values(), default=1.0) or 1.0
        loss = np.array([self.losses.get(i, highest) / highest for i in asked])
        age = np.array([round_index - self.last_round.get(i, 0) for i in asked]) / round_index
        size = np.sqrt(samples[list(asked)] / samples.max())
        utility = weights.loss * loss + weights.staleness * age + weights.samples * size
        return utility + weights.keys * self._key_balance(asked) if weights.keys else utility

    def _key_balance(self, asked: Sequence[int]) -> NDArray[np.float64]:
        """Key left on each link over the most on any; 1 where none was seen, 0 without keys."""
        most = max(self.key_bits.values(), default=0)
        if not most:
            return np.zeros(len(asked))
        return np.array([self.key_bits.get(i, most) / most for i in asked])

    def redundancy(self, pool: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Return the (k, k) redundancy of pairs of the clients in the pool, by default of all:
        symmetric, zero diagonal, in -1..1.

        The cosine between what distinguishes two clients: their last unit changes, less the mean
        change of each module. Positive means that they pull the modules the same way; negative
        means that they balance each other. Zero while either was never heard.

        Reference: the sum over pairs is, up to scale, the quadratic part of
        ||sum_i (g_i - mean g)||^2, the error of a subset's mean change; gradient matching as in
        Balakrishnan et al. 2022 (DivFL, ICLR).
        """
        places = {client: i for i, client in enumerate(pool or range(self.clients))}
        matrix = np.zeros((len(places), len(places)))
        known = sorted(client for client in self.directions if client in places)
        if not known:
            return matrix
        rows = [places[client] for client in known]
        kinds = sorted({(m, len(d)) for i in known for m, d in self.directions[i].items()})
        deviations = np.concatenate([self._deviations(*kind, known) for kind in kinds], axis=1)
        lengths = np.linalg.norm(deviations, axis=1, keepdims=True)
        unit = deviations / np.where(lengths > 0, lengths, 1.0)
        matrix[np.ix_(rows, rows)] = np.clip(unit @ unit.T, -1.0, 1.0)
        np.fill_diagonal(matrix, 0.0)
        return (matrix + matrix.T) / 2

    def _deviations(self, module: str, length: int, known: list[int]) -> NDArray[np.float64]:
        """One row per known client: its change of the module less the mean of those whose change
        has this length (single factors of unequal ranks do not compare), or zeros."""
        holders = [i for i in known if len(self.directions[i].get(module, ())) == length]
        changes = np.stack([self.directions[i][module] for i in holders])
        rows = np.zeros((len(known), changes.shape[1]))
        rows[[known.index(i) for i in holders]] = changes - changes.mean(0)
        return rows


def _direction(
    sent: Mapping[str, NDArray[np.float32]], received: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float64]:
    after, before = multiplied(sent), multiplied(received)
    change = np.concatenate([(after[name] - before[name]).ravel() for name in sorted(after)])
    norm = float(np.linalg.norm(change))
    return change / norm if norm > 0 else change
