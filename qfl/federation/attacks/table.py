"""The attack table: every attack, the defence it is meant to break, without it and with it."""

from __future__ import annotations

from qfl.core.rng import Streams
from qfl.federation.attacks.campaigns import poisoning_rows
from qfl.federation.attacks.leaks import inversion_rows
from qfl.federation.attacks.membership import membership_rows
from qfl.security.attacks.outcome import AttackRow
from qfl.security.attacks.rows import channel_rows


def attack_table(
    streams: Streams, *, trials: int = 20, models: int = 32, federations: int = 5
) -> tuple[AttackRow, ...]:
    """Return all rows; equal streams give equal rows.

    Args:
        streams: every part draws from streams of its own.
        trials: attacks per row on links, keys, envelopes and gradients; even, from 4.
        models: attacked by membership inference, even.
        federations: poisoned ones per row.
    """
    return (
        *channel_rows(streams, trials=trials),
        *inversion_rows(streams, trials=trials),
        *membership_rows(streams, models=models),
        *poisoning_rows(streams, federations=federations),
    )
