"""What comes home from the clients of a round: answers, what arrived of them, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qfl.core.events import PairKeys, SumEvent
from qfl.core.update import Update


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a client wants the server to learn.

    Attributes:
        client: its name.
        received: the modules as it downloaded them.
        update: the same modules after training.
    """

    client: str
    received: Update
    update: Update


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """What became of one answer.

    Attributes:
        wire_bytes: that the client sent.
        key_bits: of its own link to the server.
        arrived: True if the change is in some update of the round.
        modules: those whose change is; of a client in several masked sums, some may be given up.
        refused: why the client's link could not carry it, or "".
        opened: the update, where the server saw it alone.
    """

    wire_bytes: int = 0
    key_bits: int = 0
    arrived: bool = False
    refused: str = ""
    opened: Update | None = None
    modules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Everything that arrived in a round.

    Attributes:
        updates: single updates, or means over the clients of a masked sum with all their samples.
        arrivals: client -> what became of its answer.
        holders: module -> clients behind it in `updates`.
        sums: the masked sums.
        key_bits_produced, key_bits_used: of links between clients.
        pairs: what is left on these links, None where there are none.
        waiting_seconds: virtual time that these links took to make the key.
    """

    updates: tuple[Update, ...]
    arrivals: Mapping[str, Arrival]
    holders: Mapping[str, int]
    sums: tuple[SumEvent, ...] = ()
    key_bits_produced: int = 0
    key_bits_used: int = 0
    pairs: PairKeys | None = None
    waiting_seconds: float = 0.0
