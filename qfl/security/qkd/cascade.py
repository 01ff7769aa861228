"""Reconciliation by Cascade: Bob corrects his sifted key by asking for parities of Alice's.

Searches run side by side: every exchange carries one question of each, so a key takes dozens of
messages and not thousands. Every parity that Alice reveals is counted, even one that two searches
ask for in the same exchange, and must be paid for in privacy amplification. Bob's side reaches
Alice's bits through `_Alice` alone.

References: Brassard and Salvail, EUROCRYPT '93 (original); Martinez-Mateo et al.,
arXiv:1407.3257 (the table of variants). The rules of the exchange are those of cascade-cpp, whose
published efficiencies the tests reproduce.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.rates import binary_entropy

Bits = NDArray[np.uint8]
_Block = tuple[int, int]
_QUESTION = Struct("<III")
_CLEAN_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Variant:
    """Block sizes and rules of one variant.

    Attributes:
        blocks: QBER -> block sizes of the first passes; the later ones take half the key.
        passes: number of passes.
        reuse: whether an error that another pass found is followed up in the smallest block of
            known parity that it leaves odd, rather than in the block of the pass.
        confirm: whether rounds of BICONF follow, each comparing a random half of the key and its
            complement, until ten in a row are clean.
    """

    blocks: Callable[[float], list[int]]
    passes: int
    reuse: bool = False
    confirm: bool = False


def _multiples(first: float, *factors: int) -> Callable[[float], list[int]]:
    """Return the plan of ceil(first / QBER) bits, then its multiples."""
    return lambda qber: [factor * ceil(first / qber) for factor in (1, *factors)]


def _powers(qber: float) -> list[int]:
    first = 2 ** ceil(log2(1 / qber))
    return [first, 4 * first]


def _rising_powers(qber: float) -> list[int]:
    """Return three powers of two whose exponents rise evenly to 12."""
    exponent = log2(1 / qber) - 0.5
    return [2 ** ceil(exponent), 2 ** ceil((exponent + 12) / 2), 4096]


VARIANTS = {
    "original": Variant(_multiples(0.73, 2, 4, 8), passes=4),
    "biconf": Variant(_multiples(0.92, 3), passes=2, confirm=True),
    "yanetal": Variant(_multiples(0.80, 5), passes=10),
    "opt3": Variant(_multiples(1.0, 2), passes=16),
    "opt4": Variant(_multiples(1.0, 2), passes=16, reuse=True),
    "opt7": Variant(_powers, passes=14),
    "opt8": Variant(_rising_powers, passes=14),
}


@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """What reconciliation left.

    Attributes:
        bits: (n,) Bob's key after correction; equal to Alice's with high probability.
        disclosed_bits: parities that Alice revealed.
        corrected_bits: corrections that Bob made.
        exchanges: messages in which Alice revealed them.
    """

    bits: Bits
    disclosed_bits: int
    corrected_bits: int
    exchanges: int

    def efficiency(self, qber: float) -> float:
        """Return f = disclosed bits / (n h(QBER)), 1 at the Shannon limit.

        Raises:
            ConfigError: without errors there is no limit to compare with.

        >>> round(Reconciliation(np.zeros(1000, np.uint8), 300, 50, 40).efficiency(0.05), 3)
        1.047
        """
        if not 0 < qber < 1:
            raise ConfigError(f"the efficiency at a QBER of {qber!r}; allowed: between 0 and 1")
        return self.disclosed_bits / (len(self.bits) * binary_entropy(qber))


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
    sizes = plan.blocks(qber)
    sizes += [ceil(n / 2)] * (plan.passes - len(sizes))
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
    n = len(bob)
    source = _Alice(alice, line or PublicLine())
    sizes, plan = block_sizes(n, qber=qber, variant=variant), VARIANTS[variant]
    search = _Search(bob, source, reuse=plan.reuse)
    for number, size in enumerate(sizes):
        search.run_pass(rng.permutation(n) if number else np.arange(n), size)
    search.finish()
    clean = 0 if plan.confirm else _CLEAN_ROUNDS
    while clean < _CLEAN_ROUNDS and search.corrected <= n:
        search.forget()
        before = search.corrected
        search.run_pass(rng.permutation(n), ceil(n / 2))
        clean = clean + 1 if search.corrected == before else 0
    return Reconciliation(search.bits, source.disclosed, search.corrected, source.exchanges)


class _Alice:
    """Alice's side: reveals parities over the line, and counts them."""

    def __init__(self, bits: Bits, line: PublicLine) -> None:
        self._bits = bits
        self._line = line
        self._running: list[bytes] = []
        self.disclosed = 0
        self.exchanges = 0

    def block_parities(self, order: NDArray[np.intp], size: int) -> bytes:
        """Reveal the parity of every block of a new pass."""
        ordered = self._bits[order]
        self._running.append(b"\0" + np.bitwise_xor.accumulate(ordered).tobytes())
        return self._reveal(_parities(ordered, size).tobytes())

    def parities(self, questions: list[tuple[int, int, int]]) -> bytes:
        """Reveal the parity of positions low to high - 1 of a pass, for every question."""
        asked = b"".join([_QUESTION.pack(*question) for question in questions])
        self._line.say(End.BOB, asked)
        running = self._running
        return self._reveal(
            bytes([running[number][high] ^ running[number][low] for number, low, high in questions])
        )

    def _reveal(self, parities: bytes) -> bytes:
        self.disclosed += len(parities)
        self.exchanges += 1
        return self._line.say(End.ALICE, parities)


class _Pass:
    """Bob's view of one pass: his key in its order, and the known blocks that hold errors.

    A block splits at its middle; once the parity of the left half is known, so is the right's.
    `odd` holds the blocks of known parity, and whether the number of errors in them is odd.
    """

    def __init__(self, bits: Bits, order: NDArray[np.intp], size: int, number: int) -> None:
        self.size = size
        self.number = number
        self.order = order
        self.odd: dict[_Block, bool] = {}
        self._place = np.empty_like(order)
        self._place[order] = np.arange(len(order))
        self._bits = bits[order].astype(np.bool_)

    def compare(self, parities: bytes) -> list[_Block]:
        """Learn the parities of all blocks and return those with an odd number of errors."""
        mine = _parities(self._bits.view(np.uint8), self.size).tobytes()
        for index, (one, other) in enumerate(zip(mine, parities, strict=True)):
            self.odd[self._top(index * self.size)] = (one ^ other) & 1 == 1
        return self.odd_blocks()

    def odd_blocks(self) -> list[_Block]:
        """Return the blocks of the pass with an odd number of errors."""
        tops = map(self._top, range(0, len(self.order), self.size))
        return [block for block in tops if self.odd[block]]

    def learn(self, block: _Block, parity: int) -> None:
        """Learn Alice's parity of the left half of a block, and with it the right half's."""
        low, high = block
        middle = (low + high) // 2
        mine = np.count_nonzero(self._bits[low:middle])
        left = (mine ^ parity) & 1 == 1
        self.odd[low, middle] = left
        self.odd[middle, high] = self.odd[block] != left

    def flip(self, position: int, *, deepest: bool) -> _Block:
        """Correct one bit; return the block of the pass it lies in or the deepest odd one."""
        place = int(self._place[position])
        self._bits[place] ^= True
        block = found = self._top(place)
        while block in self.odd:
            odd = self.odd[block] = not self.odd[block]
            if odd and deepest:
                found = block
            low, high = block
            middle = (low + high) // 2
            block = (low, middle) if place < middle else (middle, high)
            if high - low == 1:
                break
        return found

    def _top(self, place: int) -> _Block:
        low = place - place % self.size
        return low, min(low + self.size, len(self.order))


class _Search:
    """Bob's side: all binary searches of all passes, one question of each per exchange.

    A correction is followed up in the other passes. It may leave its own pass with an odd block,
    if another search has corrected a bit there meanwhile: `finish` searches these.
    """

    def __init__(self, bits: Bits, source: _Alice, *, reuse: bool) -> None:
        self.bits = bits.copy()
        self.corrected = 0
        self._source = source
        self._reuse = reuse
        self._started = 0
        self._passes: list[_Pass] = []
        self._odd: deque[tuple[_Pass, _Block]] = deque()
        self._asked: list[tuple[_Pass, _Block]] = []

    def run_pass(self, order: NDArray[np.intp], size: int) -> None:
        """Compare the blocks of a new pass and correct what that reveals."""
        new = _Pass(self.bits, order, size, self._started)
        self._started += 1
        self._passes.append(new)
        odd = new.compare(self._source.block_parities(order, size))
        self._odd.extend((new, block) for block in odd)
        self._correct()

    def finish(self) -> None:
        """Correct until no block of any pass is odd."""
        while self.corrected <= len(self.bits):
            self._odd.extend((at, block) for at in self._passes for block in at.odd_blocks())
            if not self._odd:
                break
            self._correct()

    def forget(self) -> None:
        """Leave the finished passes alone from now on."""
        self._passes.clear()

    def _correct(self) -> None:
        self._follow_up()
        while self._asked:
            asked, self._asked = self._asked, []
            answers = self._source.parities(
                [(at.number, low, (low + high) // 2) for at, (low, high) in asked]
            )
            for (at, block), parity in zip(asked, answers, strict=True):
                at.learn(block, parity)
            for at, block in asked:
                self._descend(at, block)
            self._follow_up()

    def _follow_up(self) -> None:
        while self._odd and self.corrected <= len(self.bits):
            at, block = self._odd.popleft()
            if at.odd[block]:
                self._descend(at, block)

    def _descend(self, at: _Pass, block: _Block) -> None:
        """Follow odd halves down: to a bit, which is corrected, or to an unknown half, asked for.

        Other searches may have corrected the block meanwhile; then both halves are even.
        """
        low, high = block
        while high - low > 1:
            middle = (low + high) // 2
            left = at.odd.get((low, middle))
            if left is None:
                self._asked.append((at, (low, high)))
                return
            if not left and not at.odd[middle, high]:
                return
            low, high = (low, middle) if left else (middle, high)
        position = int(at.order[low])
        self.bits[position] ^= 1
        self.corrected += 1
        for other in self._passes:
            touched = other.flip(position, deepest=self._reuse)
            if other is not at:
                self._odd.append((other, touched))


def _parities(bits: Bits, size: int) -> Bits:
    return np.bitwise_xor.reduceat(bits, np.arange(0, len(bits), size))
