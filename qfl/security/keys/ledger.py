"""The account of key bits on one link: an append-only chain of hashed entries.

Every entry carries the hash of the one before, so that no entry can be changed, dropped or
reordered unseen by whoever knows the last hash. Entries name keys by id; no key enters here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from qfl.core.arrays import canonical_json
from qfl.core.errors import SecurityError

GENESIS = "0" * 64


class KeyEvent(StrEnum):
    """What can happen to key bits."""

    PRODUCED = "produced"
    DELIVERED = "delivered"
    CONSUMED = "consumed"
    BURNT = "burnt"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    Attributes:
        sequence: 0, 1, ...
        event: produced (into the pool), delivered (to the sender, out of the pool), consumed (by
            the receiver), burnt (never to be used) or expired (too old to be used).
        bits: key bits concerned.
        key_id: the key that this is about; empty for bits without a name.
        end: who asked for a key that was delivered.
        previous: hash of the entry before.
        digest: hash of this entry.
        expires: when bits that were produced expire, in seconds of the pool's clock; None: never.
    """

    sequence: int
    event: KeyEvent
    bits: int
    key_id: str
    end: str
    previous: str
    digest: str
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an entry is about to say; see `Entry`."""

    event: KeyEvent
    bits: int
    key_id: str = ""
    end: str = ""
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Key bits by event; produced = left + delivered + burnt and expired from the pool.

    Attributes:
        produced, delivered, consumed, burnt, expired: totals of the ledger.
    """

    produced: int = 0
    delivered: int = 0
    consumed: int = 0
    burnt: int = 0
    expired: int = 0

    def __add__(self, other: Account) -> Account:
        return Account(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


class Ledger:
    """The chain of one link.

    Args:
        link: what the chain belongs to.
        entries: an unbroken chain to go on from.
        keep: stores new entries; whatever they announce happens after it returns.

    >>> ledger = Ledger("server|client-03")
    >>> ledger.append(Announcement(KeyEvent.PRODUCED, 512))
    >>> ledger.append(Announcement(KeyEvent.DELIVERED, 256, "k-1"))
    >>> verify_chain("server|client-03", ledger.entries) == ledger.head
    True
    >>> ledger.account.delivered
    256
    """

    def __init__(
        self,
        link: str,
        *,
        entries: Iterable[Entry] = (),
        keep: Callable[[Sequence[Entry]], None] | None = None,
    ) -> None:
        self.link = link
        self._keep = keep
        self._entries = list(entries)
        self._totals = dict.fromkeys(KeyEvent, 0)
        for entry in self._entries:
            self._totals[entry.event] += entry.bits
        verify_chain(link, self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries)

    @property
    def head(self) -> str:
        """Hash of the last entry."""
        return self._entries[-1].digest if self._entries else GENESIS

    @property
    def account(self) -> Account:
        """Totals per event."""
        return Account(**{event.value: bits for event, bits in self._totals.items()})

    def append(self, *announcements: Announcement) -> None:
        """Record events, all of them or none, with one call of `keep`."""
        made: list[Entry] = []
        previous = self.head
        for sequence, row in enumerate(announcements, start=len(self._entries)):
            digest = _digest(self.link, sequence, row, previous)
            entry = Entry(
                sequence, row.event, row.bits, row.key_id, row.end, previous, digest, row.expires
            )
            made.append(entry)
            previous = digest
        if self._keep is not None and made:
            self._keep(made)
        for entry in made:
            self._entries.append(entry)
            self._totals[entry.event] += entry.bits


def verify_chain(link: str, entries: Iterable[Entry]) -> str:
    """Return the last hash of an unbroken chain.

    Raises:
        SecurityError: an entry was changed, dropped, added or moved; the message names the first.
    """
    previous = GENESIS
    for expected, entry in enumerate(entries):
        row = Announcement(entry.event, entry.bits, entry.key_id, entry.end, entry.expires)
        digest = _digest(link, expected, row, previous)
        if (entry.sequence, entry.previous, entry.digest) != (expected, previous, digest):
            raise SecurityError(
                f"the key ledger of {link!r} is broken at entry {expected}: its hash does not "
                "follow from the entry before; trust no key of this link"
            )
        previous = digest
    return previous


def _digest(link: str, sequence: int, row: Announcement, previous: str) -> str:
    fields = {**asdict(row), "link": link, "sequence": sequence, "previous": previous}
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()
