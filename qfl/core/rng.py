"""Named random streams: the only place where generators are made.

A stream is identified by the cell seed, a name and any number of integers (round, client index).
Two methods that ask for the same stream of the same seed meet the same numbers, whatever else
they drew before, in any process and in any order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from qfl.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one cell.

    >>> a, b = Streams(7)("shots", 3), Streams(7)("shots", 3)
    >>> bool((a.random(4) == b.random(4)).all())
    True
    """

    seed: int

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise ConfigError(f"seed must be a whole number >= 0, got {self.seed!r}")

    def __call__(self, name: str, *indices: int) -> np.random.Generator:
        """Return a fresh generator for the stream `name` at `indices`."""
        return np.random.default_rng(self._sequence(name, indices))

    def integer(self, name: str, *indices: int) -> int:
        """Return a 63-bit seed for a library that keeps its own generator object (torch, Aer)."""
        return int(self._sequence(name, indices).generate_state(1, np.uint64)[0] >> np.uint64(1))

    def _sequence(self, name: str, indices: tuple[int, ...]) -> np.random.SeedSequence:
        digest = hashlib.sha256(name.encode()).digest()
        words = tuple(int.from_bytes(digest[i : i + 4], "little") for i in (0, 4, 8, 12))
        return np.random.SeedSequence(self.seed, spawn_key=(*words, *indices))
