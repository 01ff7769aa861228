"""One information-theoretic sum, paid from the pairs' QKD pools, beside what it must cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import CohortError, ConfigError
from qfl.security.keys.pool import KeyPool
from qfl.security.masking.costs import key_bound
from qfl.security.masking.field import residues_from_bits
from qfl.security.masking.pads import Pads, Pair
from qfl.security.masking.pairs import Edge, pool_pair_keys

Symbols = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PadCosts:
    """Key use of one sum.

    Attributes:
        symbols: key symbols spent by all pairs.
        bound: least symbols that any pairwise scheme spends against as many exposed users.
        naive: one symbol per pair and summed symbol.
        sum_bits: of a summed symbol.
        burnt: of `symbols`, those revealed because a user dropped out.
        key_bits: taken from the pools, with what rejection sampling threw away.
    """

    symbols: int
    bound: float
    naive: int
    sum_bits: int
    burnt: int
    key_bits: int

    @property
    def ratio_to_bound(self) -> float:
        """Bits over bits: 1 at the optimum, more where the last block was filled up, symbols
        modulo a prime take one bit more, or rejection sampling threw some away."""
        return self.key_bits / (self.bound * self.sum_bits)


@dataclass(frozen=True, slots=True, eq=False)
class PaddedSum:
    """An integer sum, exact while it is smaller than half of the modulus, and its price.

    Attributes:
        total: (length,) centred residues of the sum of the survivors' vectors.
        survivors: whose vectors are in it.
        costs: key use.
    """

    total: NDArray[np.int64]
    survivors: tuple[str, ...]
    costs: PadCosts


class PadSum:
    """The users of one sum, after they have drawn their pads from the pairs' pools.

    Args:
        names: of the users, in order.
        pads: the design.
        length: of the vectors.
        pools: (name, name) in order -> their QKD pool.

    Attributes:
        key_bits: taken from the pools.

    Raises:
        KeyExhaustedError: a pool is short; if any could not pay at once, nothing was spent.
    """

    def __init__(
        self, names: list[str], pads: Pads, *, length: int, pools: Mapping[Edge, KeyPool]
    ) -> None:
        if len(names) != pads.users:
            raise ConfigError(f"{len(names)} vectors for a design of {pads.users} users")
        self._names, self._pads, self._length = names, pads, length
        self._keys, self.key_bits = _draw(names, pads, length, pools)
        self._masked: dict[str, Symbols] = {}

    def mask(self, client: str, values: NDArray[Any]) -> Symbols:
        """Return what the client sends: its integers behind its mask."""
        mask = _mask(self._names.index(client), self._keys, self._pads, self._length)
        return (values + mask) % self._pads.modulus

    def collect(self, client: str, masked: NDArray[Any]) -> None:
        """Let the server have a masked vector."""
        self._masked[client] = masked.astype(np.int64)

    def finish(self) -> PaddedSum:
        """Return the sum of what was collected; pads of those who dropped out are burnt.

        Raises:
            CohortError: more dropped out than the design tolerates; nothing was revealed.
        """
        names, pads, length, masked = self._names, self._pads, self._length, self._masked
        if len(names) - len(masked) > pads.tolerated or len(masked) < 2:
            raise CohortError(
                f"{len(names) - len(masked)} of {pads.users} users dropped out, the pads tolerate "
                f"{pads.tolerated}; nothing was revealed"
            )
        total = sum(masked.values(), np.zeros(length, np.int64))
        burnt = 0
        for (i, j), copies in self._keys.items():
            if (names[i] in masked) != (names[j] in masked):
                revealed = pads.part((i, j), copies[names[j] in masked], length=length)
                total += -revealed if names[i] in masked else revealed
                burnt += pads.pair_symbols(length)
        total %= pads.modulus
        costs = PadCosts(
            symbols=len(pads.pairs) * pads.pair_symbols(length),
            bound=key_bound(pads.users, colluders=pads.tolerated).total * length,
            naive=len(pads.pairs) * length,
            sum_bits=pads.sum_bits,
            burnt=burnt,
            key_bits=self.key_bits,
        )
        centred = np.where(total >= (pads.modulus + 1) // 2, total - pads.modulus, total)
        return PaddedSum(centred, tuple(sorted(masked)), costs)


def padded_sum(
    values: Mapping[str, NDArray[Any]],
    pads: Pads,
    *,
    pools: Mapping[Edge, KeyPool],
    dropped: frozenset[str] = frozenset(),
) -> PaddedSum:
    """Return the sum of the survivors' vectors; no computer learns more of them.

    Args:
        values: name -> (length,) integers.
        pads: the design; users are the names in order.
        pools: (name, name) in order -> their QKD pool.
        dropped: who delivers no vector.

    Raises:
        CohortError: more dropped out than the design tolerates; nothing was revealed.
        KeyExhaustedError: a pool is short; if any could not pay at once, nothing was spent.

    >>> from qfl.security.keys import Secret
    >>> from qfl.security.masking.pads import path_pads
    >>> pool = KeyPool(("a", "b"), run="doc", capacity_bits=4096)
    >>> pool.produce({"a": Secret(bytes(16)), "b": Secret(bytes(16))})
    >>> vectors = {"a": np.array([1, -2]), "b": np.array([3, 4])}
    >>> done = padded_sum(vectors, path_pads(2, modulus_bits=8), pools={("a", "b"): pool})
    >>> done.total.tolist(), done.costs.ratio_to_bound, done.costs.key_bits
    ([4, 2], 1.0, 16)
    """
    [length] = {len(vector) for vector in values.values()}
    users = PadSum(sorted(values), pads, length=length, pools=pools)
    for name, vector in values.items():
        if name not in dropped:
            users.collect(name, users.mask(name, vector))
    return users.finish()


def _mask(
    user: int, keys: Mapping[Pair, tuple[Symbols, Symbols]], pads: Pads, length: int
) -> Symbols:
    """Return a user's mask from its own copies of its keys."""
    mask = np.zeros(length, np.int64)
    for (i, j), copies in keys.items():
        if user == i:
            mask += pads.part((i, j), copies[0], length=length)
        elif user == j:
            mask -= pads.part((i, j), copies[1], length=length)
    return mask


def _draw(
    names: list[str], pads: Pads, length: int, pools: Mapping[Edge, KeyPool]
) -> tuple[dict[Pair, tuple[Symbols, Symbols]], int]:
    """Return both ends' symbols of every pair, and the key bits that they took."""
    count, width = pads.pair_symbols(length), (pads.modulus - 1).bit_length()
    size = 8 * ceil(count * width / 8)
    edges = {(names[i], names[j]): (i, j) for i, j in pads.pairs}
    first = pool_pair_keys(edges, pools, size=size)
    drawn, bits = {}, size * len(edges)
    for edge, pair in edges.items():
        copies = [
            residues_from_bits(first[a][b].reveal(), pads.modulus) for a, b in (edge, edge[::-1])
        ]
        while len(copies[0]) < count:
            more = pool_pair_keys([edge], pools, size=8 * width)
            bits += 8 * width
            copies = [
                np.concatenate([copy, residues_from_bits(more[a][b].reveal(), pads.modulus)])
                for copy, (a, b) in zip(copies, (edge, edge[::-1]), strict=True)
            ]
        drawn[pair] = (copies[0][:count], copies[1][:count])
    return drawn, bits
