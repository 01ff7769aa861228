"""Relays that keep what they pass on."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from qfl.security.keys.relay import Relayed
from qfl.security.keys.secret import Secret


def pooled_knowledge(delivery: Relayed, *, corrupt: Set[str]) -> Secret:
    """Return the best guess of corrupt relays at a key: the XOR of a part from each path.

    It is the key if they sit on every path. Else the missing parts, uniform and independent of
    all that they saw, leave it perfectly unknown.

    Args:
        delivery: with what every relay saw.
        corrupt: names of the relays that share what they saw.
    """
    guess = np.zeros(delivery.key.bits // 8, np.uint8)
    for path in delivery.paths:
        seen = [node for node in path[1:-1] if node in corrupt]
        if seen:
            guess ^= np.frombuffer(delivery.views[seen[0]].reveal(), np.uint8)
    return Secret(guess.tobytes())
