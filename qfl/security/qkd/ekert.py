"""E91: entangled pairs whose CHSH value, and nothing else, prices the eavesdropper.

Alice measures at 0, 22.5 or 45 degrees, Bob at 22.5, 45 or 67.5: equal angles give the key, four
of the other pairs of angles the CHSH value. Coincidences are post-selected (fair sampling), so
this does not close the detection loophole.

Reference: Ekert, Phys. Rev. Lett. 67, 661 (1991).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

import numpy as np
from numpy.typing import NDArray

from circuits.qkd import DIAGONAL, RECTILINEAR, STEEP, TILTED
from qfl.security.qkd.distil import Distilled, distil
from qfl.security.qkd.entangled import E91_SIFTING, PairLink, PairProtocol
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.rates import chsh_price
from qfl.security.qkd.session import Session, record_session
from qfl.security.qkd.sifting import UNLIKE, publish
from qfl.security.qkd.states import Bits, Eavesdropper, States, random_bits

ALICE = np.array([RECTILINEAR, TILTED, DIAGONAL], np.uint8)
BOB = np.array([TILTED, DIAGONAL, STEEP], np.uint8)
_SIGNS = {
    (RECTILINEAR, TILTED): 1,
    (RECTILINEAR, STEEP): -1,
    (DIAGONAL, TILTED): 1,
    (DIAGONAL, STEEP): 1,
}
_LOCAL = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What both ends hold after n rounds.

    Attributes:
        alice, bob: (n,) outcomes, or the bits that Alice prepared.
        alice_bases, bob_bases: (n,) bases as in `states.States`.
    """

    alice: Bits
    bob: Bits
    alice_bases: Bits
    bob_bases: Bits

    @property
    def sifted(self) -> NDArray[np.bool_]:
        """Where both chose the same basis: the key."""
        return self.alice_bases == self.bob_bases

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Where the angles are those of the CHSH test."""
        return np.isin(self.alice_bases, (RECTILINEAR, DIAGONAL)) & np.isin(
            self.bob_bases, (TILTED, STEEP)
        )

    @property
    def qber(self) -> float | None:
        """Share of the sifted rounds that disagree; None without any."""
        kept = self.sifted
        return float((self.alice != self.bob)[kept].mean()) if kept.any() else None

    @property
    def chsh(self) -> float | None:
        """E(0, 22.5) - E(0, 67.5) + E(45, 22.5) + E(45, 67.5); None if a term has no pairs."""
        total = 0.0
        for (first, second), sign in _SIGNS.items():
            here = (self.alice_bases == first) & (self.bob_bases == second)
            if not here.any():
                return None
            total += sign * (1 - 2 * float((self.alice != self.bob)[here].mean()))
        return total


def draw_bases(n: int, *, rng: np.random.Generator) -> tuple[Bits, Bits]:
    """Return the bases that Alice and Bob choose for n pairs, each third of the time.

    >>> alice, bob = draw_bases(9000, rng=np.random.default_rng(0))
    >>> bool(0.2 < (alice == bob).mean() < 0.25)
    True
    """
    return ALICE[rng.integers(0, 3, n)], BOB[rng.integers(0, 3, n)]


def run_e91_session(
    link: PairLink,
    *,
    protocol: PairProtocol,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
) -> Session:
    """Return the outcome of one E91 session; asymptotic length n (1 - price of S) - disclosed.

    Coincidences are sampled as a count and measured one by one. Measuring her half of a pair
    prepares the other half for Bob, so the eavesdropper meets states as in BB84. Alice tells her
    bases, Bob his outcomes of the test and his bases: all of it is under the session's tags.

    >>> from qfl.security.qkd.link import FibreLink
    >>> arm = FibreLink(length_km=5)
    >>> session = run_e91_session(PairLink(arm, arm, pairs=0.02), protocol=PairProtocol(),
    ...                           rng=np.random.default_rng(1))
    >>> session.keys[0] == session.keys[1], round(session.chsh, 1)
    (True, 2.7)
    """
    line = line or PublicLine()
    pulses = protocol.pulses(link, sifting=E91_SIFTING)
    pairs = _measure(link, int(rng.binomial(pulses, link.coincidence_gain)), rng, eavesdropper)
    told = np.frombuffer(line.say(End.ALICE, pairs.alice_bases.tobytes()), np.uint8)
    bob = replace(pairs, alice_bases=told)
    published = publish(line, pairs.bob[bob.tested])
    alice = replace(pairs, bob_bases=publish(line, pairs.bob_bases))
    tested, kept, chsh = alice.tested, alice.sifted, None
    alike = tested.sum() == len(published) and kept.sum() == bob.sifted.sum()
    if alike:
        seen = pairs.bob.copy()
        seen[tested] = published
        chsh = replace(alice, bob=seen).chsh
    if not alike:
        distilled = Distilled(0, None, aborted=UNLIKE)
    elif chsh is None:
        distilled = Distilled(0, None, aborted="too few pairs to estimate a CHSH value")
    elif chsh <= _LOCAL:
        distilled = Distilled(0, None, aborted=f"a CHSH value of {chsh:.3f} shows no violation")
    else:
        free = 1 - chsh_price(chsh)

        def length(kept_bits: int, errors: int, disclosed: int) -> int:
            del errors
            return max(0, floor(kept_bits * free - disclosed)) // 8 * 8

        distilled = distil(
            pairs.alice[kept],
            pairs.bob[bob.sifted],
            processing=protocol.processing,
            secret_length=length,
            line=line,
            rng=rng,
        )
    session = record_session(pulses, link.left.pulse_rate_hz, int(kept.sum()), distilled, line)
    return replace(session, chsh=chsh)


def _measure(
    link: PairLink, n: int, rng: np.random.Generator, eavesdropper: Eavesdropper | None
) -> Pairs:
    """Sample n coincidences; noise turns Bob's outcome with the link's error probability."""
    alice_bases, bob_bases = draw_bases(n, rng=rng)
    sent = States(random_bits(n, rng=rng), alice_bases)
    arriving = eavesdropper.intercept(sent, rng=rng) if eavesdropper else sent
    wrong = (rng.random(n) < link.qber).astype(np.uint8)
    return Pairs(sent.bits, arriving.measure(bob_bases, rng=rng) ^ wrong, alice_bases, bob_bases)
