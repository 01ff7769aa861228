"""The clients and the server of one sum, under streams that survive dropouts or under pads.

Both kinds look alike: a sum is opened for its clients, each masks its integers once, the server
collects what arrives, and the sum is finished or raises CohortError. Both know what key they spent
and how many bytes their clients sent beside the vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.security.masking.aggregate import PairwiseSum
from qfl.security.masking.cohort import Cohort, neighbour_graph
from qfl.security.masking.padded import PadSum
from qfl.security.masking.pads import Pads, coded_pads, pairwise_pads, path_pads
from qfl.security.masking.pairs import kem_pair_keys, pool_pair_keys
from qfl.security.masking.quantise import centred_of, residues_of
from qfl.security.masking.stream import SEED_BITS
from qfl.security.mesh import Mesh

_SPARE_BITS = 1024
"""Key beyond what pads need, for symbols that rejection sampling throws away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One sum before it is opened.

    Attributes:
        clients: in order.
        length: numbers each of them sends.
        modulus_bits: so many that the sum cannot wrap.
        threshold: fewest survivors.
        run, round: what its masks are good for.
    """

    clients: tuple[str, ...]
    length: int
    modulus_bits: int
    threshold: int
    run: str
    round: int


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A finished sum.

    Attributes:
        total: (length,) signed integers.
        survivors: whose vectors are in it.
    """

    total: NDArray[np.int64]
    survivors: tuple[str, ...]


class Streams:
    """Pairwise masks stretched from short keys; sums of survivors open after dropouts.

    Args:
        shape: of the sum.
        neighbours: each client's; 0 joins every pair.
        mesh: pays for the keys; None takes ML-KEM.
        rng: draws graph and key.

    Raises:
        KeyExhaustedError: two clients cannot make a key.
    """

    def __init__(
        self, shape: Shape, *, neighbours: int, mesh: Mesh | None, rng: np.random.Generator
    ) -> None:
        self._shape = shape
        n = len(shape.clients)
        degree = min(neighbours or n - 1, n - 1)
        degree += degree * n % 2
        cohort = Cohort(
            neighbours=neighbour_graph(shape.clients, degree=degree, rng=rng),
            threshold=_scaled(shape.threshold, n, degree + 1),
            modulus_bits=shape.modulus_bits,
            run=shape.run,
            round=shape.round,
        )
        if mesh is None:
            keys = kem_pair_keys(cohort.edges)
        else:
            mesh.supply(cohort.edges, bits=SEED_BITS, rng=rng)
            keys = pool_pair_keys(cohort.edges, mesh.pools)
        self.key_bits = SEED_BITS * len(cohort.edges)
        self._sum = PairwiseSum(cohort, pair_keys=keys, length=shape.length)

    @property
    def protocol_bytes(self) -> Mapping[str, int]:
        """Bytes beside the vector that each client has sent so far."""
        return self._sum.protocol_bytes

    def mask(self, client: str, values: NDArray[np.int64]) -> NDArray[Any]:
        """Return residues behind masks."""
        return self._sum.mask(client, residues_of(values, self._shape.modulus_bits))

    def collect(self, client: str, masked: NDArray[Any]) -> None:
        """Let the server have a masked vector."""
        self._sum.collect(client, masked)

    def finish(self) -> Opened:
        """Return the survivors' sum."""
        done, bits = self._sum.finish(), self._shape.modulus_bits
        return Opened(centred_of(done.total, bits), done.survivors)


class OneTimePads:
    """Pads from QKD keys; no computer learns more than the sum.

    Args:
        shape: of the sum.
        mesh: pays for the pads.
        rng: draws key.
        naive: one symbol per pair and number; else the proven least.

    Raises:
        KeyExhaustedError: two clients cannot make enough key.
        CapacityError: no design is certified for so many clients and dropouts.
    """

    def __init__(
        self, shape: Shape, *, mesh: Mesh, rng: np.random.Generator, naive: bool = False
    ) -> None:
        n, bits = len(shape.clients), shape.modulus_bits
        tolerated = n - shape.threshold
        if naive:
            pads = pairwise_pads(n, tolerated=tolerated, modulus_bits=bits)
        elif tolerated:
            pads = coded_pads(n, tolerated=tolerated, modulus_bits=bits)
        else:
            pads = path_pads(n, modulus_bits=bits)
        needed = pads.pair_symbols(shape.length) * (pads.modulus - 1).bit_length()
        pairs = list(_pairs(shape.clients, pads))
        mesh.supply(pairs, bits=8 * ceil(needed / 8) + _SPARE_BITS, rng=rng)
        self._sum = PadSum(list(shape.clients), pads, length=shape.length, pools=mesh.pools)
        self.key_bits = self._sum.key_bits
        self.protocol_bytes: Mapping[str, int] = dict.fromkeys(shape.clients, 0)

    def mask(self, client: str, values: NDArray[np.int64]) -> NDArray[Any]:
        """Return integers behind pads, as 32-bit words."""
        return self._sum.mask(client, values).astype(np.uint32)

    def collect(self, client: str, masked: NDArray[Any]) -> None:
        """Let the server have a padded vector."""
        self._sum.collect(client, masked)

    def finish(self) -> Opened:
        """Return the survivors' sum."""
        done = self._sum.finish()
        return Opened(done.total, done.survivors)


def _scaled(threshold: int, clients: int, holders: int) -> int:
    """Return the same share of fewer holders, more than half of them."""
    return max(holders // 2 + 1, ceil(holders * threshold / clients))


def _pairs(clients: tuple[str, ...], pads: Pads) -> Iterable[tuple[str, str]]:
    return ((clients[i], clients[j]) for i, j in pads.pairs)
