"""Single-photon states as two small numbers each: a bit and the basis it is encoded in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """A row of prepared states.

    Attributes:
        bits: (n,) the encoded bits.
        bases: (n,) 0 rectilinear, 1 diagonal, 2 circular (six-state only).
    """

    bits: Bits
    bases: Bits

    def measure(self, bases: Bits, *, rng: np.random.Generator) -> Bits:
        """Return the outcomes in `bases`: the bit where the basis agrees, else a fair coin.

        >>> rng = np.random.default_rng(0)
        >>> sent = random_states(1000, rng=rng)
        >>> bool((sent.measure(sent.bases, rng=rng) == sent.bits).all())
        True
        """
        return np.where(self.bases == bases, self.bits, random_bits(len(self.bits), rng=rng))


class Eavesdropper(Protocol):
    """Stands in the quantum channel: takes states, passes states on."""

    def intercept(self, states: States, *, rng: np.random.Generator) -> States:
        """Return what travels on to the receiver."""
        ...


def random_bits(n: int, *, rng: np.random.Generator) -> Bits:
    """Return n fair bits as uint8."""
    return rng.integers(0, 2, n, dtype=np.uint8)


def random_states(n: int, *, bases: int = 2, rng: np.random.Generator) -> States:
    """Return n states, bit and basis uniform."""
    return States(random_bits(n, rng=rng), rng.integers(0, bases, n, dtype=np.uint8))
