"""Key bits left after every round: on the links to the server, and between clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qfl.core.events import PairKeys
from qfl.report.runs.results import Run


@dataclass(frozen=True, slots=True)
class PoolLevels:
    """Key bits left after a round.

    Attributes:
        clients: client -> bits in the pool of its link to the server, of those called so far.
        pairs: what is left between clients, None where they share no QKD keys.
    """

    round: int
    clients: Mapping[str, int]
    pairs: PairKeys | None = None

    @property
    def total(self) -> int:
        """Bits in all pools."""
        return sum(self.clients.values()) + (self.pairs.bits_left if self.pairs else 0)

    @property
    def poorest(self) -> int:
        """Bits in the pool with the least."""
        pairs = [self.pairs.poorest_bits] if self.pairs else []
        return min([*self.clients.values(), *pairs])


def pool_levels(run: Run) -> list[PoolLevels]:
    """Return what is left after every round in which keys were exchanged."""
    levels: dict[str, int] = {}
    pairs = None
    found = []
    for record in run.row.rounds:
        if record.links:
            levels = levels | {event.client: event.key_bits_left for event in record.links}
            pairs = record.pairs or pairs
            found.append(PoolLevels(record.round, levels, pairs))
    return found
