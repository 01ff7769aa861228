"""QKD between clients: a pool for every pair, filled by blocks when a sum needs key.

Fibres run from every client to one hub, where light is switched through and nobody measures it:
the fibre of a pair is as long as both together, and no node between them sees a key. Blocks of
different pairs run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from qfl.core.errors import KeyExhaustedError
from qfl.core.events import PairKeys
from qfl.security.keys.pool import KeyPool
from qfl.security.masking.pairs import Edge
from qfl.security.qkd.block import Block, run_block
from qfl.security.qkd.link import FibreLink
from qfl.security.tags import LinkTags

_CAPACITY_BITS = 1 << 30


class Mesh:
    """The links between the clients of one cell.

    Args:
        fibres: client -> its fibre to the hub.
        run: the cell.
        block: of every session.

    Attributes:
        pools: pair of clients -> their keys.
        produced_bits: key made in this round over all pairs, net of what authenticates the next
            blocks.

    >>> mesh = Mesh({name: FibreLink(length_km=5) for name in "ab"}, run="cell", block=Block())
    >>> mesh.supply([("a", "b")], bits=512, rng=np.random.default_rng(0))
    >>> mesh.pools["a", "b"].bits_left >= 512, mesh.seconds
    (True, 1.0)
    """

    def __init__(self, fibres: Mapping[str, FibreLink], *, run: str, block: Block) -> None:
        self._fibres = fibres
        self._run = run
        self._block = block
        self._tags: dict[Edge, LinkTags] = {}
        self.pools: dict[Edge, KeyPool] = {}
        self.start_round()

    def start_round(self) -> None:
        """Count production and time from here."""
        self.produced_bits = 0
        self._seconds: dict[Edge, float] = {}

    @property
    def seconds(self) -> float:
        """Virtual time of the slowest pair in this round."""
        return max(self._seconds.values(), default=0.0)

    @property
    def left(self) -> PairKeys | None:
        """What the pools hold, None before the first pair made a key."""
        levels = [pool.bits_left for pool in self.pools.values()]
        return PairKeys(len(levels), sum(levels), min(levels)) if levels else None

    def supply(self, edges: Iterable[Edge], *, bits: int, rng: np.random.Generator) -> None:
        """Run blocks until every pair's pool holds enough.

        Args:
            edges: pairs of clients, in order.
            bits: that each pair shall have.
            rng: draws counts and keys.

        Raises:
            KeyExhaustedError: a pair's blocks give no key.
        """
        for edge in edges:
            pool = self._pool(edge)
            while pool.bits_left < bits:
                self._run_block(edge, rng)

    def _pool(self, edge: Edge) -> KeyPool:
        if edge not in self.pools:
            self.pools[edge] = KeyPool(edge, run=self._run, capacity_bits=_CAPACITY_BITS)
            self._tags[edge] = LinkTags(self.pools[edge], edge)
        return self.pools[edge]

    def _run_block(self, edge: Edge, rng: np.random.Generator) -> None:
        """Run one block, fill the pool and count both."""
        (one, other), pool = edge, self.pools[edge]
        near, far = self._fibres[one], self._fibres[other]
        fibre = replace(near, length_km=near.length_km + far.length_km)
        line = self._tags[edge].line(rng)
        session = run_block(fibre, block=self._block, rng=rng, line=line)
        if session.keys is None or line is None:
            raise KeyExhaustedError(
                f"the {fibre.length_km:.0f} km between {one!r} and {other!r} give no key: "
                f"{session.aborted or 'no tags are left'}; take shorter fibres or larger blocks"
            )
        before = pool.bits_left
        pool.produce(dict(zip(edge, session.keys, strict=True)))
        self._tags[edge].renew(line)
        self.produced_bits += pool.bits_left - before
        self._seconds[edge] = self._seconds.get(edge, 0.0) + session.duration_seconds
