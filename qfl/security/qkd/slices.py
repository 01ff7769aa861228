"""Reverse reconciliation of Gaussian values: Bob's value, cut into slices of one bit each.

Bob's values fall into 2^k intervals that are equally likely; slice 0 is the last bit of an
interval's number, the sign stands last. Alice guesses slice after slice from her own value and
from the slices before, helped by what Bob publishes of a polar code. Everything about the key is
said by Bob, so that what is said in all is a bound on what it tells, whatever the eavesdropper
holds: Cascade's two-way parities would have to be counted twice here.

Reference: Van Assche, Cardinal, Cerf, IEEE Trans. Inf. Theory 50, 394 (2004) (slices); Imai and
Hirakawa, IEEE Trans. Inf. Theory 23, 371 (1977) (one code per slice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from qfl.core.errors import ConfigError
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.polar import decode, guess_errors, polar_transform, reliability_order
from qfl.security.qkd.states import random_bits
from qfl.security.qkd.toeplitz import toeplitz_hash

Bits = NDArray[np.uint8]
Reals = NDArray[np.float64]
_TAG_BITS = 16
_LEAST = 1e-30
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Quantiser:
    """Intervals of Bob's values.

    Attributes:
        edges: (2^k - 1,) rising.
    """

    edges: Reals

    @classmethod
    def of(cls, deviation: float, *, slices: int) -> Quantiser:
        """Return 2^slices intervals that a Gaussian of that deviation meets equally often.

        >>> Quantiser.of(1.0, slices=2).edges.round(3).tolist()
        [-0.674, 0.0, 0.674]
        """
        if not 1 <= slices <= 8 or not deviation > 0:
            raise ConfigError(
                f"{slices!r} slices of a deviation of {deviation!r}; allowed: 1 to 8, positive"
            )
        return cls(deviation * ndtri(np.arange(1, 1 << slices) / (1 << slices)))

    @property
    def slices(self) -> int:
        """k."""
        return len(self.edges).bit_length()

    def intervals(self, values: Reals) -> NDArray[np.intp]:
        """Return the number of each value's interval."""
        return np.searchsorted(self.edges, values)

    def bits(self, values: Reals) -> Bits:
        """Return the slices, shape (k, n).

        >>> Quantiser.of(1.0, slices=2).bits(np.array([-1.0, 0.1, 2.0])).tolist()
        [[0, 0, 1], [0, 1, 1]]
        """
        numbers = self.intervals(values)
        return np.stack([(numbers >> i & 1).astype(np.uint8) for i in range(self.slices)])

    def chances(self, centres: Reals, deviation: float) -> NDArray[np.float32]:
        """Return how likely each interval is for values around `centres`; shape (n, 2^k)."""
        limits = np.concatenate([[-np.inf], self.edges, [np.inf]])
        found = np.empty((len(centres), len(self.edges) + 1), np.float32)
        for start in range(0, len(centres), _CHUNK):
            part = slice(start, start + _CHUNK)
            below = ndtr((limits - centres[part, None]) / deviation)
            found[part] = np.maximum(np.diff(below, axis=1), _LEAST)
        return found


def slice_ratios(chances: NDArray[np.float32], known: Sequence[Bits]) -> Reals:
    """Return the log-likelihood ratios of the slice that follows the known ones; shape (n,).

    >>> chances = np.array([[0.1, 0.6, 0.1, 0.2]], np.float32)
    >>> slice_ratios(chances, []).round(2).tolist()  # log(.2/.8)
    [-1.39]
    >>> slice_ratios(chances, [np.array([1], np.uint8)]).round(2).tolist()  # log(.6/.2)
    [1.1]
    """
    n, intervals = chances.shape
    i = len(known)
    low = np.zeros(n, np.intp)
    for place, bits in enumerate(known):
        low |= bits.astype(np.intp) << place
    joint = chances.reshape(n, intervals >> i + 1, 2, 1 << i).sum(axis=1)
    picked = np.take_along_axis(joint, low[:, None, None], axis=2)[:, :, 0].astype(np.float64)
    return np.asarray(np.log(picked[:, 0]) - np.log(picked[:, 1]))


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Which indices of each slice's frames Bob publishes.

    Attributes:
        frame_bits: N, bits of a frame.
        hidden: per slice, how many of the N indices stay unpublished; 0 publishes the slice.
    """

    frame_bits: int
    hidden: tuple[int, ...]

    @classmethod
    def designed(cls, chances: NDArray[np.float32], bits: Bits, *, frame_bits: int) -> Codes:
        """Return codes that would have told the most about values that were published.

        Args:
            chances: (n, 2^k), Alice's view of published values.
            bits: (k, n), their slices.
            frame_bits: N.
        """
        frames = bits.shape[1] // frame_bits
        n, order = frames * frame_bits, reliability_order(frame_bits)
        hidden = []
        for i, slice_bits in enumerate(bits):
            ratios = _framed(slice_ratios(chances[:n], [b[:n] for b in bits[:i]]), frames)
            wrong = guess_errors(ratios, polar_transform(_framed(slice_bits[:n], frames)))
            failing = np.logical_or.accumulate(wrong[order], axis=0).sum(axis=1)
            told = np.arange(1, frame_bits + 1) * (1 - (failing + 1) / (frames + 1))
            best = int(np.argmax(told))
            hidden.append(best + 1 if told[best] > _TAG_BITS + 1 else 0)
        return cls(frame_bits, tuple(hidden))

    def told(self, line: PublicLine) -> Codes:
        """Return the codes as Bob hears of them from Alice, who designed them."""
        heard = line.say(End.ALICE, np.array(self.hidden, np.uint32).tobytes())
        hidden = np.minimum(np.frombuffer(heard, np.uint32), self.frame_bits)
        return Codes(self.frame_bits, tuple(hidden.tolist()))

    def frozen(self, i: int) -> NDArray[np.bool_]:
        """Return which indices of slice i are published; shape (N,)."""
        published = np.ones(self.frame_bits, np.bool_)
        published[reliability_order(self.frame_bits)[: self.hidden[i]]] = False
        return published


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Alice's side after reconciliation.

    Attributes:
        bits: (k, n) her slices of Bob's values.
        disclosed_bits: everything that was said about them, in either direction.
        frame_errors: share of the coded frames that had to be published after all.
    """

    bits: Bits
    disclosed_bits: int
    frame_errors: float


def reconcile_slices(
    bob: Bits,
    chances: NDArray[np.float32],
    codes: Codes,
    *,
    line: PublicLine,
    rng: np.random.Generator,
) -> Guess:
    """Return Alice's guess of Bob's slices.

    Per slice Bob publishes the frozen part of every frame and a short hash of it; Alice names the
    frames that she could not guess, and Bob publishes the rest of these.

    Args:
        bob: (k, n) slices of Bob's values, n a multiple of the frame.
        chances: (n, 2^k), how likely each interval is, as Alice sees it.
        codes: agreed on before.
        line: carries the messages.
        rng: draws hash seeds, all public.
    """
    frames = bob.shape[1] // codes.frame_bits
    alice: list[Bits] = []
    disclosed = coded = failed = 0
    for i, slice_bits in enumerate(bob):
        if not codes.hidden[i]:
            alice.append(_heard(line, End.BOB, slice_bits))
            disclosed += slice_bits.size
            continue
        ratios = _framed(slice_ratios(chances, alice), frames)
        guessed, lost = _tell(_framed(slice_bits, frames), ratios, codes.frozen(i), line, rng)
        alice.append(guessed.T.reshape(-1))
        disclosed += frames * (codes.frame_bits - codes.hidden[i] + _TAG_BITS + 1)
        disclosed += lost * codes.hidden[i]
        coded, failed = coded + frames, failed + lost
    return Guess(np.stack(alice), disclosed, failed / max(coded, 1))


def _tell(
    blocks: Bits,
    ratios: Reals,
    frozen: NDArray[np.bool_],
    line: PublicLine,
    rng: np.random.Generator,
) -> tuple[Bits, int]:
    """Return Alice's frames of one slice, and how many of them Bob had to publish."""
    u = polar_transform(blocks)
    published = np.zeros_like(blocks)
    published[frozen] = _heard(line, End.BOB, u[frozen])
    guess = decode(ratios, published, frozen)
    seed = _heard(line, End.BOB, random_bits(len(blocks) + _TAG_BITS - 1, rng=rng))
    tags = _heard(line, End.BOB, toeplitz_hash(blocks.T, seed, length=_TAG_BITS))
    failed = (toeplitz_hash(guess.T, seed, length=_TAG_BITS) != tags).any(axis=1)
    named = _heard(line, End.ALICE, failed.astype(np.uint8)).astype(np.bool_)
    rest = _heard(line, End.BOB, u[:, named][~frozen])
    if (named == failed).all():  # else somebody meddles, and the session will end without a key
        whole = published[:, failed]
        whole[~frozen] = rest
        guess[:, failed] = polar_transform(whole)
    return guess, int(failed.sum())


def _heard(line: PublicLine, sender: End, bits: Bits) -> Bits:
    """Return what the other end makes of a message of bits."""
    message = np.ascontiguousarray(bits)
    heard = np.frombuffer(line.say(sender, message.tobytes()), np.uint8).reshape(bits.shape)
    return heard & np.uint8(1)


def _framed(values: NDArray[Any], frames: int) -> NDArray[Any]:
    """Return values in frames side by side; shape (N, frames)."""
    return np.ascontiguousarray(values.reshape(frames, -1).T)
