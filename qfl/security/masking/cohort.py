"""Who masks with whom: names, neighbours, threshold. Everything here is public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.masking.stream import STREAMS


def neighbour_graph(
    clients: Iterable[str], *, degree: int, rng: np.random.Generator
) -> dict[str, tuple[str, ...]]:
    """Return every client's neighbours: a ring in random order, each joined to the nearest.

    Every client has `degree` neighbours; with degree n-1 the graph is complete. The order must be
    drawn after the adversary has chosen whom to corrupt.

    Reference: Bell, Bonawitz, Gascon, Lepoint, Raykova, CCS 2020, section 3.1 (Harary graphs).

    >>> graph = neighbour_graph("abcdef", degree=2, rng=np.random.default_rng(0))
    >>> {len(neighbours) for neighbours in graph.values()}
    {2}
    """
    names = list(clients)
    n = len(names)
    if len(set(names)) != n or n < 2:
        raise ConfigError(f"clients {names!r}; allowed: two or more distinct names")
    if not 1 <= degree < n or degree * n % 2:
        raise ConfigError(
            f"{degree!r} neighbours each for {n} clients; allowed: 1 to {n - 1}, even if the "
            "number of clients is odd"
        )
    order = [names[i] for i in rng.permutation(n)]
    offsets = [*range(1, degree // 2 + 1)]
    if degree % 2:
        offsets.append(n // 2)
    return {
        name: tuple(
            sorted({order[(i + sign * offset) % n] for offset in offsets for sign in (1, -1)})
        )
        for i, name in enumerate(order)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """The clients of one masked sum and what they agree on.

    Each client's secrets are shared among its neighbours and itself; `threshold` of these give
    them back. More than half is demanded: then no server, whatever it claims about who dropped
    out, gets both the self-mask seed and the mask key of one client from honest neighbours, for
    each of them reveals one kind and 2 x threshold exceeds their number.

    Attributes:
        neighbours: client -> those it shares pair masks with; symmetric.
        threshold: t, of every client's neighbours and itself.
        run, round: what the masks are good for.
        modulus_bits: of the sum.
        stream: that makes masks, "aes-256-ctr" or "chacha20".

    >>> Cohort.complete(["a", "b", "c"], threshold=2, modulus_bits=20).holders("b")
    ('a', 'b', 'c')
    """

    neighbours: Mapping[str, tuple[str, ...]]
    threshold: int
    modulus_bits: int
    run: str = ""
    round: int = 0
    stream: str = "aes-256-ctr"

    def __post_init__(self) -> None:
        if len(self.neighbours) < 2:
            raise ConfigError("a cohort of one: its sum is its update; allowed: two or more")
        for client, others in self.neighbours.items():
            if client in others or any(client not in self.neighbours.get(v, ()) for v in others):
                raise ConfigError(f"the neighbours of {client!r} are not mutual")
            holders = len(others) + 1
            if not holders < 2 * self.threshold <= 2 * holders:
                raise ConfigError(
                    f"threshold {self.threshold!r} with {holders} holders of the shares of "
                    f"{client!r}; allowed: {holders // 2 + 1} to {holders}"
                )
        if self.stream not in STREAMS:
            raise ConfigError(f"mask stream {self.stream!r}; allowed: {', '.join(STREAMS)}")
        if not 1 <= self.modulus_bits <= 64:
            raise ConfigError(f"a modulus of {self.modulus_bits!r} bits; allowed: 1 to 64")

    @classmethod
    def complete(cls, clients: Iterable[str], *, threshold: int, modulus_bits: int) -> Cohort:
        """Return the cohort in which everyone is everyone's neighbour."""
        names = list(clients)
        graph = {name: tuple(other for other in names if other != name) for name in names}
        return cls(neighbours=graph, threshold=threshold, modulus_bits=modulus_bits)

    @property
    def clients(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self.neighbours))

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All pairs of neighbours, each once and in order."""
        return tuple((u, v) for u in self.clients for v in sorted(self.neighbours[u]) if u < v)

    def holders(self, client: str) -> tuple[str, ...]:
        """Return who holds shares of a client's secrets; share i + 1 is with holder i."""
        return tuple(sorted((client, *self.neighbours[client])))

    def connected(self, members: frozenset[str]) -> bool:
        """Return whether the graph on `members` is in one piece: a piece would show its sum."""
        reached, edge = set(), set(sorted(members)[:1])
        while edge:
            reached |= edge
            edge = {v for u in edge for v in self.neighbours[u] if v in members} - reached
        return reached == members
