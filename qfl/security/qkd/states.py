"""Single-photon states as two small numbers each: a bit and the basis it is encoded in."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from circuits.qkd import CIRCULAR, DEGREES, TILTED

Bits = NDArray[np.uint8]


def correlation(first: int, second: int) -> float:
    """Return by how much a bit encoded in one basis agrees with its reading in another, -1 to 1.

    cos 2(a - b) for polarisations at angles a and b; 0 between these and the circular ones.

    >>> round(correlation(0, TILTED), 6), correlation(0, CIRCULAR)
    (0.707107, 0.0)
    """
    if first == second:
        return 1.0
    if CIRCULAR in (first, second):
        return 0.0
    turned = 2 * (DEGREES[first] - DEGREES[second])
    return 0.0 if abs(turned) == 90 else cos(radians(turned))


_CORRELATION = np.array([[correlation(a, b) for b in range(5)] for a in range(5)])


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """A row of prepared states.

    Attributes:
        bits: (n,) the encoded bits.
        bases: (n,) 0 rectilinear, 1 diagonal, 2 circular (six-state only), 3 and 4 at 22.5 and
            67.5 degrees (E91 only).
    """

    bits: Bits
    bases: Bits

    def measure(self, bases: Bits, *, rng: np.random.Generator) -> Bits:
        """Return the outcomes in `bases`: the bit where the basis agrees, else a coin.

        It is fair unless the angle between the bases is odd; then the bit comes through, or its
        opposite, as often as their correlation says.

        >>> rng = np.random.default_rng(0)
        >>> sent = random_states(1000, rng=rng)
        >>> bool((sent.measure(sent.bases, rng=rng) == sent.bits).all())
        True
        """
        coin = random_bits(len(self.bits), rng=rng)
        found = np.where(self.bases == bases, self.bits, coin)
        odd = np.flatnonzero((self.bases >= TILTED) ^ (bases >= TILTED))
        if len(odd):
            strength = _CORRELATION[self.bases[odd], bases[odd]]
            through = odd[rng.random(len(odd)) < abs(strength)]
            opposite = _CORRELATION[self.bases[through], bases[through]] < 0
            found[through] = self.bits[through] ^ opposite
        return found


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
