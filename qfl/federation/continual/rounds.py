"""Which rounds of a stream belong to which stage; reports read it too, so nothing heavy is here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from qfl.core.errors import ConfigError


def ends(rounds: int, stages: int, each: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the last round of every stage.

    Args:
        rounds: of the whole stream.
        stages: how many.
        each: rounds of every stage; empty divides them evenly.

    Raises:
        ConfigError: a stage would have no round, or rounds are left over.

    >>> ends(6, 3), ends(6, 3, (3, 2, 1))
    ((2, 4, 6), (3, 5, 6))
    """
    if not each:
        share, left = divmod(rounds, stages)
        if left or not share:
            raise ConfigError(
                f"{rounds} rounds cannot be divided among {stages} stages; take a multiple of "
                f"{stages}, or say how many each has with stream.rounds"
            )
        each = (share,) * stages
    if len(each) != stages or min(each) < 1 or sum(each) != rounds:
        raise ConfigError(
            f"stages with {list(each)} rounds; allowed: {stages} numbers of at least 1 that add up "
            f"to federation.rounds = {rounds}"
        )
    return tuple(accumulate(each))
