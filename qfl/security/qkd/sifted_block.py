"""A finite block of decoy BB84 bit by bit: real errors, real disclosure, finite-key length.

`block.py` assumes what error correction discloses and hands out a key; here every sifted bit is
drawn, the test basis is published, the key basis is reconciled by Cascade, verified and hashed to
the length that `finite.py` leaves after the parities that really went over the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.qkd import DIAGONAL, RECTILINEAR
from qfl.security.qkd.block import Block
from qfl.security.qkd.distil import (
    UNAUTHENTIC,
    UNEQUAL,
    Distilled,
    Processing,
    agree,
    amplify,
    shortfall,
)
from qfl.security.qkd.finite import BasisCounts, finite_key, sampled_counts
from qfl.security.qkd.line import PublicLine
from qfl.security.qkd.link import Link
from qfl.security.qkd.session import Session, record_session
from qfl.security.qkd.sifting import DROPPED, UNLIKE, Sifted, publish, sift
from qfl.security.qkd.states import Bits, Eavesdropper, States, random_bits
from qfl.security.qkd.toeplitz import verification_bits


@dataclass(frozen=True, slots=True, eq=False)
class _Sifted:
    """Both ends' bits of one basis, and which intensity made each."""

    alice: Bits
    bob: Bits
    levels: NDArray[np.intp]

    def counts(self, levels: int) -> BasisCounts:
        """Return detections and errors per intensity; both ends know them in the end."""
        wrong = self.alice != self.bob
        detected = np.bincount(self.levels, minlength=levels)
        errors = np.bincount(self.levels[wrong], minlength=levels)
        return BasisCounts(detected.tolist(), errors.tolist())


def run_sifted_block(
    link: Link,
    *,
    block: Block,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
    variant: str = "opt3",
) -> Session:
    """Return the outcome of one block; equal seeds give equal sessions.

    Args:
        link: carries the pulses.
        block: what the ends agreed on.
        rng: draws counts, bits and hash seeds.
        eavesdropper: in the quantum channel.
        line: the classical channel; by default nobody meddles and nobody authenticates.
        variant: of Cascade.

    >>> from qfl.security.qkd.finite import FiniteProtocol
    >>> from qfl.security.qkd.link import FibreLink
    >>> lim = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2),
    ...                      key_basis=0.6)
    >>> found = run_sifted_block(FibreLink(length_km=2), block=Block(pulses=6 * 10**6,
    ...                          protocol=lim), rng=np.random.default_rng(0))
    >>> found.keys[0] == found.keys[1], found.secret_bits > 10_000
    (True, True)
    """
    line = line or PublicLine()
    key, test = _sift(link, block, rng, eavesdropper)
    distilled = _distil(key, test, block, variant, line, rng)
    return record_session(block.pulses, link.pulse_rate_hz, len(key.alice), distilled, line)


def _sift(
    link: Link, block: Block, rng: np.random.Generator, eavesdropper: Eavesdropper | None
) -> tuple[_Sifted, _Sifted]:
    """Draw the counts of both bases, then their bits."""
    found = []
    bases = sampled_counts(link, block.protocol, pulses=block.pulses, rng=rng)
    for basis, counts in zip((RECTILINEAR, DIAGONAL), bases, strict=True):
        detected = np.array(counts.detected)
        levels = np.repeat(np.arange(len(detected)), detected)
        rank = np.arange(len(levels)) - np.repeat(np.cumsum(detected) - detected, detected)
        order = rng.permutation(len(levels))
        levels, wrong = levels[order], (rank < np.array(counts.errors)[levels])[order]
        sent = States(random_bits(len(order), rng=rng), np.full(len(order), basis, np.uint8))
        arriving = eavesdropper.intercept(sent, rng=rng) if eavesdropper else sent
        found.append(_Sifted(sent.bits, arriving.measure(sent.bases, rng=rng) ^ wrong, levels))
    return found[0], found[1]


def _announced(key: _Sifted, test: _Sifted, line: PublicLine) -> tuple[_Sifted, _Sifted] | None:
    """Return both bases as the ends sift them, None if they keep unlike numbers of pulses."""
    both = (key, test)
    bases = [
        np.full(len(part.alice), basis, np.uint8)
        for part, basis in zip(both, (RECTILINEAR, DIAGONAL), strict=True)
    ]
    at = len(key.alice)
    levels = np.concatenate([part.levels for part in both])
    done = sift(
        line,
        alice_bases=np.concatenate(bases),
        bob_bases=np.concatenate(bases),
        intensities=levels,
    )
    found = []
    for part, alice, bob in zip(
        both, np.split(done.alice, [at]), np.split(done.bob, [at]), strict=True
    ):
        if not Sifted(alice, bob).alike:
            return None
        mine, other = alice != DROPPED, bob != DROPPED
        found.append(_Sifted(part.alice[mine], part.bob[other], part.levels[mine]))
    return found[0], found[1]


def _distil(
    key: _Sifted,
    test: _Sifted,
    block: Block,
    variant: str,
    line: PublicLine,
    rng: np.random.Generator,
) -> Distilled:
    """Sift, publish the test basis, then make a key of the other."""
    found = _announced(key, test, line)
    if found is None:
        return Distilled(0, None, aborted=UNLIKE)
    key, test = found
    heard = publish(line, test.bob)
    test = _Sifted(test.alice, heard, test.levels)
    n, seen = len(heard), int((test.alice != heard).sum())
    if not n or not len(key.alice):
        return Distilled(n, None, aborted="no pulse was detected in one of the bases")
    qber, levels = seen / n, len(block.protocol.intensities)
    if qber > block.abort_qber:
        reason = f"QBER {qber:.3f} above {block.abort_qber:g} in {n} compared bits"
        return Distilled(n, qber, aborted=reason)
    processing = Processing(correctness=block.protocol.correctness, variant=variant)
    estimate = min(0.5, (seen + 1) / (n + 2))
    agreed = agree(key.alice, key.bob, qber=estimate, processing=processing, line=line, rng=rng)
    disclosed = agreed.disclosed_bits
    if not agreed.verified:
        return Distilled(n, qber, disclosed, UNEQUAL)
    parities = disclosed - verification_bits(processing.correctness)
    priced = finite_key(
        key.counts(levels), test.counts(levels), block.protocol, disclosed_bits=parities
    )
    length = min(priced.length, block.most_bits) // 8 * 8
    if reason := shortfall(length, line):
        return Distilled(n, qber, disclosed, reason)
    keys = amplify(key.alice, agreed.bits, length=length, line=line, rng=rng)
    return Distilled(n, qber, disclosed, "" if keys else UNAUTHENTIC, keys)
