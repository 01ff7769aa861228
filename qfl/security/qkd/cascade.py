"""Reconciliation by Cascade: Bob corrects his sifted key by asking for parities of Alice's.

Every parity that Alice reveals is counted once and must be paid for in privacy amplification.
Bob's side reaches Alice's bits through `_Alice` alone.

Reference: Brassard and Salvail, EUROCRYPT '93 (original); Martinez-Mateo et al.,
arXiv:1407.3257 (the table of variants).
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.qkd.line import End, PublicLine

Bits = NDArray[np.uint8]
_QUESTION = Struct("<BII")
_PARITY = (b"\0", b"\1")


@dataclass(frozen=True, slots=True)
class Variant:
    """Block sizes of one variant.

    Attributes:
        first: the first block has ceil(first / QBER) bits.
        second: growth of the block size after the first pass.
        doubling: whether the same growth goes on; otherwise later blocks have half the key.
        passes: number of passes.
    """

    first: float
    second: int
    doubling: bool
    passes: int


VARIANTS = {
    "original": Variant(first=0.73, second=2, doubling=True, passes=4),
    "yanetal": Variant(first=0.80, second=5, doubling=False, passes=10),
    "opt3": Variant(first=1.0, second=2, doubling=False, passes=16),
}


@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """What reconciliation left.

    Attributes:
        bits: (n,) Bob's key after correction; equal to Alice's with high probability.
        disclosed_bits: parities that Alice revealed.
        corrected_bits: positions that Bob changed.
    """

    bits: Bits
    disclosed_bits: int
    corrected_bits: int


def block_sizes(n: int, *, qber: float, variant: str = "original") -> list[int]:
    """Return the block size of every pass for a key of n bits.

    >>> block_sizes(10_000, qber=0.03)
    [25, 50, 100, 200]
    """
    if variant not in VARIANTS:
        raise UnknownNameError("Cascade variant", variant, VARIANTS)
    if not 0 < qber <= 0.5:
        raise ConfigError(
            f"Cascade plans its blocks for a QBER of {qber!r}; allowed: 0 < QBER <= 1/2"
        )
    plan = VARIANTS[variant]
    sizes = [ceil(plan.first / qber)]
    for index in range(1, plan.passes):
        grown = sizes[-1] * plan.second
        sizes.append(grown if plan.doubling or index == 1 else ceil(n / 2))
    return [min(size, n) for size in sizes]


def reconcile(
    alice: Bits,
    bob: Bits,
    *,
    qber: float,
    rng: np.random.Generator,
    variant: str = "original",
    line: PublicLine | None = None,
) -> Reconciliation:
    """Return Bob's key corrected towards Alice's.

    Args:
        alice, bob: (n,) uint8, zeros and ones.
        qber: the estimate that plans the block sizes; it need not be exact.
        rng: draws the public permutations.
        variant: a name in VARIANTS.
        line: carries questions and parities; a new one if the caller needs no record of them.

    >>> rng = np.random.default_rng(5)
    >>> alice = rng.integers(0, 2, 2000, dtype=np.uint8)
    >>> bob = alice.copy()
    >>> bob[::50] ^= 1
    >>> result = reconcile(alice, bob, qber=0.02, rng=rng)
    >>> bool((result.bits == alice).all()), result.corrected_bits
    (True, 40)
    """
    source = _Alice(alice, line or PublicLine())
    fixed = bob.copy()
    passes: list[_Pass] = []
    corrected = 0
    for number, size in enumerate(block_sizes(len(bob), qber=qber, variant=variant)):
        order = rng.permutation(len(bob)) if number else np.arange(len(bob))
        current = _Pass(fixed, order, size)
        passes.append(current)
        current.compare(source.block_parities(order, size))
        pending = [(size, number, block) for block, odd in enumerate(current.odd) if odd]
        heapify(pending)
        while pending and corrected <= len(bob):
            _, index, block = heappop(pending)
            if not passes[index].odd[block]:
                continue
            position = passes[index].search(block, source, index)
            fixed[position] ^= 1
            corrected += 1
            for other, touched in enumerate(passes):
                changed = touched.flip(position)
                if touched.odd[changed]:
                    heappush(pending, (touched.size, other, changed))
    return Reconciliation(fixed, source.disclosed, corrected)


class _Alice:
    """Alice's side: reveals parities over the line, and counts them."""

    def __init__(self, bits: Bits, line: PublicLine) -> None:
        self._bits = bits
        self._line = line
        self._ordered: list[bytes] = []
        self.disclosed = 0

    def block_parities(self, order: NDArray[np.intp], size: int) -> Bits:
        """Reveal the parity of every block of a new pass."""
        ordered = self._bits[order]
        self._ordered.append(ordered.tobytes())
        parities = _parities(ordered, size)
        self.disclosed += len(parities)
        return np.frombuffer(self._line.say(End.ALICE, parities.tobytes()), np.uint8)

    def parity(self, number: int, low: int, high: int) -> int:
        """Reveal one parity within pass `number`."""
        self.disclosed += 1
        self._line.say(End.BOB, _QUESTION.pack(number, low, high))
        answer = _PARITY[self._ordered[number].count(1, low, high) & 1]
        return self._line.say(End.ALICE, answer)[0]


class _Pass:
    """Bob's view of one pass: his key in its order, and which blocks hold an odd error count."""

    def __init__(self, bits: Bits, order: NDArray[np.intp], size: int) -> None:
        self.size = size
        self._order = order
        self._place = np.empty_like(order)
        self._place[order] = np.arange(len(order))
        self._bits = bytearray(bits[order].tobytes())
        self._parities = _parities(bits[order], size)
        self.odd = bytearray()

    def compare(self, parities: Bits) -> None:
        self.odd = bytearray((self._parities ^ parities).tobytes())

    def flip(self, position: int) -> int:
        """Correct one bit and return the block it lies in."""
        place = int(self._place[position])
        self._bits[place] ^= 1
        block = place // self.size
        self.odd[block] ^= 1
        return block

    def search(self, block: int, source: _Alice, number: int) -> int:
        """Return the position of an error in an odd block, halving it until one bit is left."""
        low = block * self.size
        high = min(low + self.size, len(self._bits))
        while high - low > 1:
            middle = (low + high) // 2
            if source.parity(number, low, middle) != self._bits.count(1, low, middle) & 1:
                high = middle
            else:
                low = middle
        return int(self._order[low])


def _parities(bits: Bits, size: int) -> Bits:
    return np.bitwise_xor.reduceat(bits, np.arange(0, len(bits), size))
