"""A woman in the middle who is Bob to Alice and Alice to Bob, on both channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.security.keys.secret import Secret
from qfl.security.qkd.line import TAG_PAD_BITS, PublicLine, TagKeys
from qfl.security.qkd.link import Link
from qfl.security.qkd.session import Protocol, Session, run_session


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Two honest sessions, each with the wrong party.

    Attributes:
        near: Alice's session, with the attacker in place of Bob.
        far: Bob's session, with the attacker in place of Alice.
    """

    near: Session
    far: Session

    @property
    def keys(self) -> tuple[Secret, Secret, Secret, Secret] | None:
        """Keys of Alice, of the attacker for Alice, for Bob, and of Bob; None unless both agreed.

        The first two are equal, and so are the last two: she opens what either sends and seals
        what she likes to the other.
        """
        if self.near.keys is None or self.far.keys is None:
            return None
        return (*self.near.keys, *self.far.keys)


def impersonate(
    link: Link,
    *,
    protocol: Protocol,
    rng: np.random.Generator,
    tag_keys: TagKeys | None = None,
) -> Impersonation:
    """Return how the attack ended; the quantum channel shows no error that was not there before.

    Args:
        link: between either end and the attacker.
        protocol: what Alice and Bob agreed on.
        rng: everything random.
        tag_keys: that Alice and Bob share and the attacker must guess; None leaves the classical
            channel without authentication.

    >>> from qfl.security.qkd.link import FibreLink
    >>> attack = impersonate(FibreLink(length_km=10), protocol=Protocol(),
    ...                      rng=np.random.default_rng(0))
    >>> alice, for_alice, for_bob, bob = attack.keys
    >>> alice == for_alice, for_bob == bob, alice == bob
    (True, True, False)
    """
    lines = [PublicLine(), PublicLine()]
    if tag_keys is not None:
        lines = [PublicLine((tag_keys, _guess(rng))), PublicLine((_guess(rng), tag_keys))]
    near, far = (run_session(link, protocol=protocol, rng=rng, line=line) for line in lines)
    return Impersonation(near, far)


def _guess(rng: np.random.Generator) -> TagKeys:
    multipliers, pads = (Secret(rng.bytes(TAG_PAD_BITS // 8)) for _ in range(2))
    return TagKeys(multipliers, pads)
