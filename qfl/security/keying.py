"""How the pool of two ends is filled: over one fibre, or through trusted nodes on the way.

A node between the ends shortens every fibre and sees what it passes on. Several routes that share
no node leave each with a share of the key only. Who must be trusted is part of every exchange.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol as Port

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.keys.ledger import Ledger
from qfl.security.keys.pool import KeyPool
from qfl.security.keys.relay import Edge, RelayNetwork
from qfl.security.qkd.block import Block, run_block
from qfl.security.qkd.link import FibreLink, Link
from qfl.security.qkd.session import Protocol, Session, run_session
from qfl.security.qkd.states import Eavesdropper
from qfl.security.tags import LinkTags

NO_TAGS = "no key is left to authenticate a session; the ends need a new pre-shared secret"
Routes = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What the sessions of one exchange came to; they run at the same time, and add up.

    Attributes:
        sifted_bits, disclosed_bits: of all sessions.
        qber: of the worst, None if no bits were compared.
        duration_seconds: of the slowest.
        aborted: why the first that failed stopped, or "".
    """

    sifted_bits: int = 0
    disclosed_bits: int = 0
    qber: float | None = None
    duration_seconds: float = 0.0
    aborted: str = ""

    @classmethod
    def of(cls, session: Session) -> Exchanged:
        """Return one session."""
        return cls(
            sifted_bits=session.sifted_bits,
            disclosed_bits=session.disclosed_bits,
            qber=session.qber,
            duration_seconds=session.duration_seconds,
            aborted=session.aborted,
        )

    def __add__(self, other: Exchanged) -> Exchanged:
        rates = [rate for rate in (self.qber, other.qber) if rate is not None]
        return Exchanged(
            sifted_bits=self.sifted_bits + other.sifted_bits,
            disclosed_bits=self.disclosed_bits + other.disclosed_bits,
            qber=max(rates, default=None),
            duration_seconds=max(self.duration_seconds, other.duration_seconds),
            aborted=self.aborted or other.aborted,
        )


class Keying(Port):
    """Fills one pool."""

    @property
    def trusted(self) -> Routes:
        """Per route, the nodes that see what passes there; one corrupt node on each is enough."""
        ...

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """Of the pools on the way."""
        ...

    def exchange(
        self, rng: np.random.Generator, eavesdropper: Eavesdropper | None = None
    ) -> Exchanged:
        """Run the sessions and fill the pool; an aborted exchange adds nothing to it."""
        ...


class Direct:
    """Sessions over one link between the ends of a pool, authenticated from the pool itself.

    Args:
        pool: to be filled; its first end sends the pulses.
        link: between the ends.
        protocol: of a session.
    """

    trusted: Routes = ()
    ledgers: tuple[Ledger, ...] = ()

    def __init__(self, pool: KeyPool, link: Link, protocol: Protocol | Block) -> None:
        self._pool = pool
        self._link = link
        self._protocol = protocol
        self._tags = LinkTags(pool, pool.ends)

    def exchange(
        self, rng: np.random.Generator, eavesdropper: Eavesdropper | None = None
    ) -> Exchanged:
        """Run one session and fill the pool; its next session's tags are paid from the key."""
        line = self._tags.line(rng)
        if line is None:
            return Exchanged(aborted=NO_TAGS)
        protocol, link = self._protocol, self._link
        if isinstance(protocol, Block):
            session = run_block(link, block=protocol, rng=rng, eavesdropper=eavesdropper, line=line)
        else:
            session = run_session(
                link, protocol=protocol, rng=rng, eavesdropper=eavesdropper, line=line
            )
        if session.keys is not None:
            self._pool.produce(dict(zip(self._pool.ends, session.keys, strict=True)))
        self._tags.renew(line)
        return Exchanged.of(session)


class ViaRelays:
    """Keys passed on hop by hop through trusted nodes, at equal distances on every route.

    Args:
        pool: of the two ends.
        link: the whole way; every hop is its part of it.
        protocol: of the sessions on each hop.
        relays: nodes between the ends on every route.
        routes: that share no node; the key is the XOR of what they carry.
        run: what the hops' keys belong to.

    >>> pool = KeyPool(("server", "c"), run="doc", capacity_bits=65_536)
    >>> link, protocol = FibreLink(length_km=40), Protocol()
    >>> keying = ViaRelays(pool, link, protocol, relays=1, routes=2, run="doc")
    >>> keying.trusted
    (('c/route-1/node-1',), ('c/route-2/node-1',))
    >>> keying.exchange(np.random.default_rng(0)).aborted, pool.bits_left > 256
    ('', True)
    """

    def __init__(
        self,
        pool: KeyPool,
        link: Link,
        protocol: Protocol | Block,
        *,
        relays: int,
        routes: int,
        run: str,
    ) -> None:
        if not isinstance(link, FibreLink):
            raise ConfigError(f"a {type(link).__name__} through relays; allowed: FibreLink")
        self._pool = pool
        self._routes = routes
        self.trusted = trusted_nodes(pool.ends[1], relays=relays, routes=routes)
        hop_link = replace(link, length_km=link.length_km / (relays + 1))
        self._pools: dict[Edge, KeyPool] = {}
        self._hops: list[Direct] = []
        for nodes in self.trusted:
            for edge in pairwise((pool.ends[0], *nodes, pool.ends[1])):
                self._pools[edge] = KeyPool(edge, run=run, capacity_bits=pool.capacity_bits)
                self._hops.append(Direct(self._pools[edge], hop_link, protocol))
        self._network = RelayNetwork(self._pools)
        self.ledgers = tuple(pool.ledger for pool in self._pools.values())

    def exchange(
        self, rng: np.random.Generator, eavesdropper: Eavesdropper | None = None
    ) -> Exchanged:
        """Run a session on every hop, the eavesdropper on the first, and pass on what all can pay.

        If one hop aborts, nothing is passed on.
        """
        done = Exchanged()
        for index, hop in enumerate(self._hops):
            done += hop.exchange(rng, None if index else eavesdropper)
        bits = min(pool.bits_left for pool in self._pools.values())
        if not done.aborted and bits:
            source, target = self._pool.ends
            made = self._network.deliver(
                source, target, rng=rng, bits=bits, path_count=self._routes
            )
            self._pool.produce({source: made.key, target: made.copy})
        return done


def trusted_nodes(client: str, *, relays: int, routes: int) -> Routes:
    """Return the names of the nodes on each route to a client.

    >>> trusted_nodes("c", relays=2, routes=1)
    (('c/route-1/node-1', 'c/route-1/node-2'),)
    """
    if relays < 1 or routes < 1:
        raise ConfigError(f"{routes!r} routes of {relays!r} relays; allowed: at least 1 of each")
    return tuple(
        tuple(f"{client}/route-{route}/node-{node}" for node in range(1, relays + 1))
        for route in range(1, routes + 1)
    )
