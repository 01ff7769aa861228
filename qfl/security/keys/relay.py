"""Keys between nodes without a link of their own: relayed hop by hop by nodes that see them.

On each path a part of the key is passed on under a one-time pad of every hop, so each node on the
path learns that part. Over several paths that share no node in between, the key is the XOR of
the parts: who wants it must sit on every path. Nothing here removes the trust; it names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.keys.pool import KEY_BITS, KeyPool
from qfl.security.keys.secret import Secret

Edge = tuple[str, str]


def relay_rate(link_rates: Sequence[float]) -> float:
    """Return the end-to-end key rate of a path, that of its slowest link.

    >>> relay_rate([5000, 800])
    800
    """
    if not link_rates or min(link_rates) < 0:
        raise ConfigError(f"link rates {list(link_rates)!r}; allowed: one or more, not negative")
    return min(link_rates)


def relay_cost(hops: int, *, key_bits: int = KEY_BITS) -> int:
    """Return the link key bits that one relayed key consumes, hops x key_bits.

    >>> relay_cost(3)
    768
    """
    if hops < 1 or key_bits < 1:
        raise ConfigError(f"{hops!r} hops of {key_bits!r} bits; allowed: at least 1")
    return hops * key_bits


@dataclass(frozen=True, slots=True)
class Hop:
    """What passes over one link in public: part of a key XOR the key of the link."""

    sender: str
    receiver: str
    hidden: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Relayed:
    """A key that both ends have, and whom they trust with it.

    Attributes:
        key, copy: at the source and at the target.
        paths: node names from source to target; no two share a node in between.
        consumed_bits: of link keys.
        transcript: everything that was sent.
        views: node in between -> the part that it saw.
    """

    key: Secret
    copy: Secret
    paths: tuple[tuple[str, ...], ...]
    consumed_bits: int
    transcript: tuple[Hop, ...] = field(repr=False)
    views: Mapping[str, Secret] = field(repr=False)

    @property
    def trusted(self) -> tuple[frozenset[str], ...]:
        """Per path, the nodes of which one must be corrupt for the path to be lost."""
        return tuple(frozenset(path[1:-1]) for path in self.paths)

    def exposed_to(self, corrupt: Set[str]) -> bool:
        """Return whether these nodes together know the key: they sit on every path."""
        return all(nodes & corrupt for nodes in self.trusted)


class RelayNetwork:
    """Nodes and the key pools of the links between them.

    Args:
        pools: link -> its pool; a link is named once, in either order.

    >>> ends = [("a", "relay"), ("relay", "b")]
    >>> pools = {edge: KeyPool(edge, run="doc", capacity_bits=512) for edge in ends}
    >>> for edge, pool in pools.items():
    ...     pool.produce({end: Secret(bytes(32)) for end in edge})
    >>> done = RelayNetwork(pools).deliver("a", "b", rng=np.random.default_rng(0))
    >>> done.key == done.copy, done.consumed_bits, done.exposed_to({"relay"})
    (True, 512, True)
    """

    def __init__(self, pools: Mapping[Edge, KeyPool]) -> None:
        self._pools = {frozenset(edge): pool for edge, pool in pools.items()}
        if len(self._pools) != len(pools) or any(len(edge) != 2 for edge in self._pools):
            raise ConfigError(f"links {sorted(pools)}; allowed: each once, between two nodes")

    def paths(self, source: str, target: str, *, count: int = 1) -> tuple[tuple[str, ...], ...]:
        """Return `count` paths that share no node in between, shortest first.

        Raises:
            ConfigError: unknown nodes, or fewer such paths exist.
        """
        import networkx as nx

        graph = nx.Graph(tuple(edge) for edge in sorted(map(sorted, self._pools)))
        for node in (source, target):
            if node not in graph:
                raise ConfigError(f"no node {node!r}; allowed: {', '.join(sorted(graph))}")
        if source == target or count < 1:
            raise ConfigError(f"{count!r} paths from {source!r} to {target!r}")
        try:
            if count == 1:
                found = [nx.shortest_path(graph, source, target)]
            else:
                found = list(nx.node_disjoint_paths(graph, source, target))
        except nx.NetworkXNoPath:
            found = []
        if len(found) < count:
            raise ConfigError(
                f"{count} paths without a common node from {source!r} to {target!r}; there are "
                f"{len(found)}: add links or ask for fewer"
            )
        ordered = sorted(found, key=lambda path: (len(path), path))
        return tuple(tuple(path) for path in ordered[:count])

    def deliver(
        self,
        source: str,
        target: str,
        *,
        rng: np.random.Generator,
        bits: int = KEY_BITS,
        path_count: int = 1,
    ) -> Relayed:
        """Return a fresh key at both ends; all links are paid or none.

        Args:
            source, target: nodes.
            rng: draws the key.
            bits: of the key, a multiple of 8.
            path_count: over how many paths it is split.

        Raises:
            KeyExhaustedError: a link is short; nothing was spent.
        """
        paths = self.paths(source, target, count=path_count)
        hops = [(u, v) for path in paths for u, v in pairwise(path)]
        for u, v in hops:
            left = self._pools[frozenset((u, v))].bits_left
            if left < bits:
                raise KeyExhaustedError(
                    f"the link between {u!r} and {v!r} has {left} key bits left, a relayed key "
                    f"takes {bits}; nothing was spent: run another key exchange"
                )
        transcript: list[Hop] = []
        views: dict[str, Secret] = {}
        sent, received = bytes(bits // 8), bytes(bits // 8)
        for path in paths:
            part = rng.bytes(bits // 8)
            sent = _xor(sent, part)
            for u, v in pairwise(path):
                hop, part = self._pass_on(u, v, part)
                transcript.append(hop)
                views[v] = Secret(part)
            received = _xor(received, part)
        del views[target]
        return Relayed(
            key=Secret(sent),
            copy=Secret(received),
            paths=paths,
            consumed_bits=relay_cost(len(hops), key_bits=bits),
            transcript=tuple(transcript),
            views=views,
        )

    def _pass_on(self, sender: str, receiver: str, part: bytes) -> tuple[Hop, bytes]:
        """Return what is sent over one link and what arrives."""
        pool = self._pools[frozenset((sender, receiver))]
        [key] = pool.enc_keys(sender, size=8 * len(part))
        hidden = _xor(part, key.secret.reveal())
        [copy] = pool.dec_keys(receiver, [key.key_id])
        return Hop(sender, receiver, hidden), _xor(hidden, copy.secret.reveal())


def _xor(one: bytes, other: bytes) -> bytes:
    return (np.frombuffer(one, np.uint8) ^ np.frombuffer(other, np.uint8)).tobytes()
