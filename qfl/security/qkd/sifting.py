"""Sifting over the public line: each end keeps what it believes that the other keeps too.

Bob announces his bases, Alice answers with the intensity of every pulse whose basis was hers. Both
messages are under the session's tags like all others, which cost 256 bits of key however much is
said. Detections in unequal bases, and where in the train a pulse was, are not modelled one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.states import Bits

DROPPED = 255
UNLIKE = "the two ends kept different pulses"


@dataclass(frozen=True, slots=True, eq=False)
class Sifted:
    """What each end believes after the announcements.

    Attributes:
        alice, bob: (n,) intensity of every pulse, DROPPED where it is thrown away.
    """

    alice: Bits
    bob: Bits

    @property
    def alike(self) -> bool:
        """Whether both ends keep as many pulses of every intensity; they can count no more."""
        counts = (np.bincount(end, minlength=256) for end in (self.alice, self.bob))
        return bool(np.equal(*counts).all())


def sift(
    line: PublicLine, *, alice_bases: Bits, bob_bases: Bits, intensities: ArrayLike = 0
) -> Sifted:
    """Return what both ends keep after Bob announced his bases and Alice answered.

    Args:
        line: carries both messages.
        alice_bases, bob_bases: (n,) of the detected pulses.
        intensities: (n,) which of its intensities Alice chose, or one for all.

    >>> bases = np.array([0, 1, 1], np.uint8)
    >>> sift(PublicLine(), alice_bases=bases, bob_bases=bases[::-1].copy()).bob.tolist()
    [255, 0, 255]
    """
    heard = np.frombuffer(line.say(End.BOB, bob_bases.tobytes()), np.uint8)
    answer: NDArray[np.uint8] = np.where(heard == alice_bases, intensities, DROPPED).astype(
        np.uint8
    )
    told = np.frombuffer(line.say(End.ALICE, answer.tobytes()), np.uint8)
    return Sifted(answer, told)


def publish(line: PublicLine, bits: Bits) -> Bits:
    """Return bits of Bob as Alice hears them."""
    return np.frombuffer(line.say(End.BOB, bits.tobytes()), np.uint8)
