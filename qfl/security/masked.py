"""Sums that the server sees instead of changes: how they are made, as options and as policies.

`summing.py` makes them. The frozen class `Masked` holds what a study sets; its envelopes are those
of the sealed channel underneath.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qfl.core.ports import Channel
from qfl.security.channel import Sealed
from qfl.security.masking.quantise import Grid
from qfl.security.mesh import Mesh
from qfl.security.qkd.block import Block
from qfl.security.qkd.link import FibreLink, Link
from qfl.security.sealed import SealedChannel
from qfl.security.summing import Encoding, MaskedSums, SumPolicy

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """Changes on a grid, weighted by samples, without noise.

    Attributes:
        largest_change: of one number; what is larger is cut, and the record counts it.
        levels: of the grid.
        heaviest: most samples a client may claim.
    """

    largest_change: float
    levels: int
    heaviest: int
    weighted: bool = True

    @property
    def step(self) -> float:
        """Distance between neighbouring values."""
        return self._grid(1).step

    def integers(
        self, change: NDArray[np.float64], *, weight: int, rng: np.random.Generator
    ) -> Integers:
        """Return weight x the change in steps, rounded at random so that its mean is right."""
        return self._grid(1).quantise(change, rng=rng, weight=weight)

    def beyond(self, change: NDArray[np.float64]) -> int:
        """Return how many numbers of a change are larger than the grid."""
        return self._grid(1).beyond(change)

    def noise(self, size: int, *, survivors: int, rng: np.random.Generator) -> Integers:
        """Return zeros."""
        return np.zeros(size, np.int64)

    def modulus_bits(self, clients: int) -> int:
        """Return the bits that the overflow proof of `masking.quantise` asks for."""
        return self._grid(clients).modulus_bits

    def _grid(self, clients: int) -> Grid:
        return Grid(
            clip=self.largest_change,
            levels=self.levels,
            clients=clients,
            max_weight=self.heaviest,
        )


@dataclass(frozen=True, slots=True)
class Masked:
    """Masked sums of the changes of clients that hold the same modules.

    Attributes:
        masks, smallest, threshold, neighbours, cohorts, dropout: see `SumPolicy`.
        largest_change, levels, heaviest: of the grid on which changes are added, see `Quantised`.
        block_pulses: of every QKD block between two clients.
        sealed: the channel that carries the masked vectors, and the model to the clients.
    """

    masks: str = "ml-kem"
    smallest: int = 3
    threshold: float = 2 / 3
    neighbours: int = 0
    cohorts: int = 1
    dropout: float = 0.0
    largest_change: float = 1.0
    levels: int = 16_384
    heaviest: int = 2048
    block_pulses: int = 10**9
    sealed: Sealed = field(default_factory=Sealed)

    def __post_init__(self) -> None:
        self._policy()
        self._encoding().modulus_bits(2)
        Block(pulses=self.block_pulses)

    def links(self, clients: Sequence[str], *, rng: np.random.Generator) -> Mapping[str, FibreLink]:
        """Return one fibre per client to the hub, of random length."""
        return self.sealed.links(clients, rng=rng)

    def connect(self, links: Mapping[str, Link], *, run: str) -> SealedChannel:
        """Return the channel that carries what is masked."""
        return self.sealed.connect(links, run=run)

    def gatherer(
        self,
        channel: Channel,
        links: Mapping[str, FibreLink],
        *,
        run: str,
        encoding: Encoding | None = None,
    ) -> MaskedSums:
        """Return what brings a round's answers home as sums.

        Args:
            channel: carries the masked vectors.
            links: client -> fibre to the hub.
            run: the cell.
            encoding: with noise, where sums shall be private; by default the grid alone.
        """
        mesh = None
        if self.masks != "ml-kem":
            mesh = Mesh(links, run=run, block=Block(pulses=self.block_pulses))
        return MaskedSums(
            channel,
            run=run,
            policy=self._policy(),
            encoding=encoding or self._encoding(),
            mesh=mesh,
        )

    def _policy(self) -> SumPolicy:
        return SumPolicy(
            masks=self.masks,
            smallest=self.smallest,
            threshold=self.threshold,
            neighbours=self.neighbours,
            cohorts=self.cohorts,
            dropout=self.dropout,
        )

    def _encoding(self) -> Quantised:
        return Quantised(
            largest_change=self.largest_change, levels=self.levels, heaviest=self.heaviest
        )
