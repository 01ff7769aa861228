"""From two sifted keys to two equal secret ones: the classical half of every protocol here.

Sample and compare, reconcile by Cascade, verify by a universal hash, authenticate the line,
amplify. Everything that one end learns from the other passes over the public line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.keys.secret import Secret
from qfl.security.qkd.cascade import VARIANTS, reconcile
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.states import Bits, random_bits
from qfl.security.qkd.toeplitz import toeplitz_hash, verification_bits

_Length = Callable[[int, int, int], int]
UNEQUAL = "the verification hashes differ"
UNAUTHENTIC = "the classical messages do not authenticate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What the two ends agree on for the classical half.

    Attributes:
        sample_fraction: of the sifted bits, published to estimate the QBER.
        abort_qber: an estimate above this ends the session.
        correctness: probability that unequal keys pass verification.
        variant: of Cascade; the original four passes leave 2 % of 3,000-bit keys unequal.
    """

    sample_fraction: float = 0.1
    abort_qber: float = 0.08
    correctness: float = 1e-15
    variant: str = "opt3"

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UnknownNameError("Cascade variant", self.variant, VARIANTS)
        for name in ("sample_fraction", "abort_qber", "correctness"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: between 0 and 1")


@dataclass(frozen=True, slots=True)
class Distilled:
    """How it went.

    Attributes:
        sampled_bits: published for the estimate.
        qber: errors among them, None if none was sampled.
        disclosed_bits: parities and hash bits published about the rest.
        aborted: why there is no key, or "".
        keys: the final keys of both ends, made independently; None if aborted.
    """

    sampled_bits: int
    qber: float | None
    disclosed_bits: int = 0
    aborted: str = ""
    keys: tuple[Secret, Secret] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How reconciliation and verification went.

    Attributes:
        bits: (n,) Bob's key afterwards.
        disclosed_bits: parities and hash bits published.
        corrected_bits: corrections that Bob made.
        verified: whether the hashes of both keys are equal.
    """

    bits: Bits
    disclosed_bits: int
    corrected_bits: int
    verified: bool


def distil(
    alice: Bits,
    bob: Bits,
    *,
    processing: Processing,
    secret_length: _Length,
    line: PublicLine,
    rng: np.random.Generator,
) -> Distilled:
    """Return two equal secret keys, or why there are none.

    Args:
        alice, bob: (n,) sifted keys.
        processing: what the ends agree on.
        secret_length: (kept bits, errors among all n, disclosed bits) -> bits to keep.
        line: carries and authenticates the messages.
        rng: draws positions, permutations and hash seeds, all public.
    """
    n = len(alice)
    sample = ceil(processing.sample_fraction * n)
    if n - sample < 1:
        return Distilled(0, None, aborted=f"only {n} bits were sifted")
    order = rng.permutation(n)
    published, kept = order[:sample], order[sample:]
    heard = np.frombuffer(line.say(End.BOB, bob[published].tobytes()), np.uint8)
    seen = int((alice[published] != heard).sum())
    qber = seen / sample
    if qber > processing.abort_qber:
        reason = f"QBER {qber:.3f} above {processing.abort_qber:g} in {sample} compared bits"
        return Distilled(sample, qber, aborted=reason)
    agreed = agree(
        alice[kept],
        bob[kept],
        qber=min(0.5, (seen + 1) / (sample + 2)),
        processing=processing,
        line=line,
        rng=rng,
    )
    disclosed = agreed.disclosed_bits
    if not agreed.verified:
        return Distilled(sample, qber, disclosed, UNEQUAL)
    length = secret_length(len(kept), seen + agreed.corrected_bits, disclosed)
    if reason := shortfall(length, line):
        return Distilled(sample, qber, disclosed, reason)
    keys = amplify(alice[kept], agreed.bits, length=length, line=line, rng=rng)
    return Distilled(sample, qber, disclosed, "" if keys else UNAUTHENTIC, keys)


def shortfall(length: int, line: PublicLine) -> str:
    """Return why a key of `length` bits is not worth making, or "": a session must net key.

    >>> shortfall(0, PublicLine()), shortfall(8, PublicLine())
    ('the observed statistics leave no secret bits', '')
    """
    if length <= 0:
        return "the observed statistics leave no secret bits"
    if length <= line.tag_bits:
        return f"{length} secret bits do not pay for the session's {line.tag_bits} bits of tags"
    return ""


def agree(
    alice: Bits,
    bob: Bits,
    *,
    qber: float,
    processing: Processing,
    line: PublicLine,
    rng: np.random.Generator,
) -> Agreement:
    """Return Bob's key after Cascade and whether a hash of it equals that of Alice's.

    Args:
        alice, bob: (n,) sifted bits that nobody published.
        qber: the estimate that plans Cascade's blocks.
        processing: what the ends agree on; nothing is sampled here.
        line: carries the messages.
        rng: draws permutations and the hash's seed, all public.
    """
    result = reconcile(alice, bob, qber=qber, rng=rng, variant=processing.variant, line=line)
    verified, bits = verify(
        alice, result.bits, correctness=processing.correctness, line=line, rng=rng
    )
    return Agreement(result.bits, result.disclosed_bits + bits, result.corrected_bits, verified)


def verify(
    alice: Bits, bob: Bits, *, correctness: float, line: PublicLine, rng: np.random.Generator
) -> tuple[bool, int]:
    """Return whether hashes of both keys are equal, and how many bits of a hash were published.

    Args:
        alice, bob: (n,) keys after reconciliation.
        correctness: probability that unequal keys pass.
        line: carries seed and hash.
        rng: draws the seed, public.
    """
    bits = verification_bits(correctness)
    hashes = _hash(alice, bob, bits, line, rng)
    return _announce_and_compare(hashes, line), bits


def amplify(
    alice: Bits, bob: Bits, *, length: int, line: PublicLine, rng: np.random.Generator
) -> tuple[Secret, Secret] | None:
    """Return both ends' hashes of `length` bits, or None if the line does not authenticate."""
    final = np.packbits(_hash(alice, bob, length, line, rng), axis=1)
    if not line.authentic():
        return None
    return Secret(final[0].tobytes()), Secret(final[1].tobytes())


def _hash(alice: Bits, bob: Bits, length: int, line: PublicLine, rng: np.random.Generator) -> Bits:
    """Return both ends' hashes under a seed that Alice draws and announces; shape (2, length)."""
    seed = random_bits(len(alice) + length - 1, rng=rng)
    heard = np.frombuffer(line.say(End.ALICE, seed.tobytes()), np.uint8)
    if heard is seed or (heard == seed).all():
        return toeplitz_hash(np.stack([alice, bob]), seed, length=length)
    return np.stack(
        [toeplitz_hash(alice, seed, length=length), toeplitz_hash(bob, heard, length=length)]
    )


def _announce_and_compare(hashes: Bits, line: PublicLine) -> bool:
    """Return whether Bob's hash equals the one that he hears from Alice."""
    heard = np.frombuffer(line.say(End.ALICE, hashes[0].tobytes()), np.uint8)
    return bool((heard == hashes[1]).all())
