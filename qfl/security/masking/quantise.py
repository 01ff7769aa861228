"""Floats to integers and back, such that no sum of a cohort can wrap around.

Proof. With q levels an encoded value lies in [-floor(q/2), ceil(q/2) - 1], so a sum of total
weight W <= n w lies in [-n w floor(q/2), n w (ceil(q/2) - 1)], which holds at most n w (q-1) + 1
integers. The modulus M = 2^b >= n w q is greater, and its centred residues [-M/2, M/2 - 1]
contain that interval: n w floor(q/2) <= M/2 and n w (ceil(q/2) - 1) < M/2. So the centred
residue of the sum is the sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

_WORDS: dict[int, type[np.unsignedinteger[Any]]] = {16: np.uint16, 32: np.uint32, 64: np.uint64}
_LARGEST_BITS = 63


def word_of(modulus_bits: int) -> np.dtype[Any]:
    """Return the smallest unsigned word that holds residues modulo 2^modulus_bits.

    Arithmetic in that word is exact modulo 2^modulus_bits, as its own modulus is a multiple.

    >>> word_of(20)
    dtype('uint32')
    """
    for width, word in _WORDS.items():
        if 0 < modulus_bits <= width:
            return np.dtype(word)
    raise ConfigError(f"a modulus of {modulus_bits!r} bits; allowed: 1 to 64")


def residues_of(integers: NDArray[np.int64], modulus_bits: int) -> NDArray[Any]:
    """Return signed integers modulo 2^modulus_bits, in the word of that modulus.

    >>> residues_of(np.array([-1, 2]), 8)
    array([255,   2], dtype=uint16)
    """
    return (integers & ((1 << modulus_bits) - 1)).astype(word_of(modulus_bits))


def centred_of(total: NDArray[Any], modulus_bits: int) -> NDArray[np.int64]:
    """Return the residues of a sum as signed integers in [-M/2, M/2 - 1].

    >>> centred_of(np.array([255, 2], np.uint16), 8)
    array([-1,  2])
    """
    modulus = 1 << modulus_bits
    residues = total.astype(np.int64) & (modulus - 1)
    return np.where(residues >= modulus // 2, residues - modulus, residues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Equally spaced values in [-clip, clip] and the modulus in which a cohort adds them.

    Attributes:
        clip: c; values beyond are clipped.
        levels: q, at least 2; the step is 2c/q.
        clients: n, the most that are added.
        max_weight: w, the greatest integer weight of one client.

    >>> Grid(clip=8.0, levels=65_536, clients=10).modulus_bits
    20
    """

    clip: float
    levels: int
    clients: int
    max_weight: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.clip < float("inf"):
            raise ConfigError(f"clip is {self.clip!r}; allowed: positive and finite")
        for name, least in (("levels", 2), ("clients", 1), ("max_weight", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: at least {least}")
        if self.modulus_bits > _LARGEST_BITS:
            raise ConfigError(
                f"{self.clients} clients x weight {self.max_weight} x {self.levels} levels need a "
                f"modulus of {self.modulus_bits} bits; allowed: {_LARGEST_BITS}; take fewer levels"
            )

    @property
    def modulus_bits(self) -> int:
        """Least b with 2^b >= n w q."""
        return (self.clients * self.max_weight * self.levels - 1).bit_length()

    @property
    def step(self) -> float:
        """Distance between neighbouring values."""
        return 2 * self.clip / self.levels

    @property
    def variance_bound(self) -> float:
        """Greatest variance of one rounded coordinate, step^2 / 4."""
        return self.step**2 / 4

    def error_bound(self, total_weight: int | None = None) -> float:
        """Return the greatest |decoded sum - sum of clipped values|, 2 W c / q.

        Args:
            total_weight: W; by default one per client.
        """
        return (self.clients if total_weight is None else total_weight) * self.step

    def quantise(
        self, values: ArrayLike, *, rng: np.random.Generator, weight: int = 1
    ) -> NDArray[np.int64]:
        """Return weight x the values in steps, as signed integers; shape as given.

        Values between two levels go to either at random, so that the mean is the value.

        Args:
            values: floats.
            rng: rounds.
            weight: from 1 to max_weight.

        Raises:
            ConfigError: a value is not finite or the weight is not allowed; neither may vanish
                unseen in a sum that nobody can inspect.
        """
        if not 1 <= weight <= self.max_weight:
            raise ConfigError(f"a weight of {weight!r}; allowed: 1 to {self.max_weight}")
        scaled = np.asarray(values, dtype=np.float64) / self.step
        if not np.isfinite(scaled).all():
            raise ConfigError("a value to be quantised is not finite; mend the update first")
        scaled = np.clip(scaled, self._lowest, self._lowest + self.levels - 1)
        floor = np.floor(scaled)
        return weight * (floor + (rng.random(scaled.shape) < scaled - floor)).astype(np.int64)

    def beyond(self, values: ArrayLike) -> int:
        """Return how many values are not on the grid; `quantise` takes them to its ends.

        The upper end is one step below the clip: what lies between rounds like the rest.

        >>> Grid(clip=1.0, levels=256, clients=2).beyond([-1.5, -1.0, 0.3, 1.0, 2.0])
        2
        """
        return int((np.abs(np.asarray(values, dtype=np.float64)) > self.clip).sum())

    @property
    def _lowest(self) -> int:
        return -(self.levels // 2)

    def residues(self, integers: NDArray[np.int64]) -> NDArray[Any]:
        """Return signed integers modulo 2^modulus_bits, in the word of that modulus."""
        return residues_of(integers, self.modulus_bits)

    def centred(self, total: NDArray[Any]) -> NDArray[np.int64]:
        """Return the signed integer sum behind a sum of residues."""
        return centred_of(total, self.modulus_bits)

    def values(self, integers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what integers in steps stand for.

        >>> grid = Grid(clip=1.0, levels=256, clients=2)
        >>> steps = grid.quantise([0.5, -1.0], rng=np.random.default_rng(0))
        >>> grid.values(grid.centred(grid.residues(steps) + grid.residues(steps))).tolist()
        [1.0, -2.0]
        """
        return integers.astype(np.float64) * self.step
