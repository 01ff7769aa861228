"""Keys that authenticate the classical messages of one link, session after session.

The first ones are a pre-shared secret; each session that exchanges tags pays for the next with
256 bits of the pool. A link that can no longer pay is dead until its ends meet again.
"""

from __future__ import annotations

import numpy as np

from qfl.security.keys.pool import KeyPool
from qfl.security.keys.secret import Secret
from qfl.security.qkd.line import TAG_PAD_BITS, PublicLine, TagKeys


class LinkTags:
    """The tag keys of a link, both ends'.

    Args:
        pool: pays for fresh pads.
        ends: the sender of the pulses and their receiver.
    """

    def __init__(self, pool: KeyPool, ends: tuple[str, str]) -> None:
        self._pool = pool
        self._ends = ends
        self._multipliers: Secret | None = None
        self._pads: tuple[Secret, Secret] | None = None

    def line(self, rng: np.random.Generator) -> PublicLine | None:
        """Return an authenticated line for one session, None if no pads can be had.

        Args:
            rng: draws the pre-shared secret, once.
        """
        if self._multipliers is None:
            self._multipliers = Secret(rng.bytes(TAG_PAD_BITS // 8))
            shared = Secret(rng.bytes(TAG_PAD_BITS // 8))
            self._pads = (shared, shared)
        if self._pads is None:
            self._refill()
        if self._pads is None:
            return None
        alice, bob = self._pads
        return PublicLine((TagKeys(self._multipliers, alice), TagKeys(self._multipliers, bob)))

    def renew(self, line: PublicLine) -> None:
        """Replace the pads if `line` spent them."""
        if line.spent_bits:
            self._pads = None
            self._refill()

    def _refill(self) -> None:
        if self._pool.bits_left < TAG_PAD_BITS:
            return
        sender, receiver = self._ends
        [key] = self._pool.enc_keys(sender, size=TAG_PAD_BITS)
        [copy] = self._pool.dec_keys(receiver, [key.key_id])
        self._pads = (key.secret, copy.secret)
