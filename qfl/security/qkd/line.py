"""The public classical line of a session: everybody may read it, only the two ends may write.

Each end keeps a view of what it said and heard. At the end both tag their views with one-time
Poly1305 keys that they already share: whoever altered a message on the way is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from qfl.security.keys.secret import Secret
from qfl.security.primitives.pad import one_time_tag

TAG_PAD_BITS = 256


class End(IntEnum):
    """The two ends of a link: the sender of the pulses and their receiver."""

    ALICE = 0
    BOB = 1


class Meddler(Protocol):
    """Stands in the classical line: hears a message, passes on what it likes."""

    def meddle(self, sender: End, message: bytes) -> bytes:
        """Return what the other end hears."""
        ...


@dataclass(frozen=True, slots=True)
class TagKeys:
    """What one end needs to tag one session, 2 x (128 + 128) bits.

    Attributes:
        multipliers: r for either direction; kept from session to session.
        pads: one-time, for either direction; never used for a second session.

    Reference: Wegman and Carter, J. Comput. Syst. Sci. 22, 265 (1981): with a fresh pad per tag
    the multiplier may stay.
    """

    multipliers: Secret
    pads: Secret

    def key(self, end: End) -> bytes:
        """Return the Poly1305 key of the tag that `end` sends."""
        low, high = 16 * end, 16 * end + 16
        return self.multipliers.reveal()[low:high] + self.pads.reveal()[low:high]


class PublicLine:
    """The line of one session.

    Args:
        tag_keys: of Alice and of Bob; None leaves the line unauthenticated.
        meddler: alters messages on the way.

    >>> line = PublicLine()
    >>> line.say(End.ALICE, b"bases")
    b'bases'
    >>> line.authentic(), line.spent_bits
    (True, 0)
    """

    def __init__(
        self, tag_keys: tuple[TagKeys, TagKeys] | None = None, meddler: Meddler | None = None
    ) -> None:
        self._keys = tag_keys
        self._meddler = meddler
        self._views = (bytearray(), bytearray())
        self.spent_bits = 0

    @property
    def tag_bits(self) -> int:
        """Key that the two tags of the session will spend; 0 on an unauthenticated line."""
        return TAG_PAD_BITS if self._keys else 0

    def say(self, sender: End, message: bytes) -> bytes:
        """Send a message and return what the other end makes of it.

        Both ends know how long every message is: missing bytes are read as zeros and added ones
        are not read, but the tags are over what was heard.
        """
        heard = self._meddler.meddle(sender, message) if self._meddler else message
        self._views[sender].extend(message)
        self._views[1 - sender].extend(heard)
        return heard[: len(message)].ljust(len(message), b"\0")

    def authentic(self) -> bool:
        """Exchange tags over the two views and return whether both ends accept; spends the pads.

        An unauthenticated line accepts everything.
        """
        if self._keys is None:
            return True
        self.spent_bits = self.tag_bits
        views = [bytes(view) for view in self._views]
        return all(
            one_time_tag(self._keys[0].key(end), views[0])
            == one_time_tag(self._keys[1].key(end), views[1])
            for end in End
        )
