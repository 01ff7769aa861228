"""Keys waiting on one link, handed out once per end.

The verbs follow ETSI GS QKD 014: the sender takes fresh keys with `enc_keys`, the receiver asks
for the same keys by id with `dec_keys`. An event is in the ledger before its key is handed out,
so a key that was seen is never given again. What is too old is handed out to nobody. A pool may
be used by several threads, and kept in a folder (`vault.py`) it survives its process.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf

from qfl.core.errors import ConfigError, KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.keys.ledger import Announcement, Entry, KeyEvent, Ledger
from qfl.security.keys.secret import Secret
from qfl.security.keys.stock import Stock
from qfl.security.keys.vault import Vault

KEY_BITS = 256
_OVERFLOW = "overflow"
_NAMESPACE = uuid.UUID("5b0c8f4e-9d0b-5b1e-8a36-2f6f7f0c6a14")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the name by which both ends know it."""

    key_id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class _Copy:
    """What waits for its receiver, where it lies on disk, and when it expires."""

    secret: Secret
    place: int
    expires: float


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long keys may be used, counted from their production.

    Attributes:
        seconds: by the clock; infinity: for ever.
        clock: returns the time in seconds; for a pool on disk, one that outlives the process.
    """

    seconds: float = inf
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigError(f"a lifetime of {self.seconds!r} s; allowed: positive")


class KeyPool:
    """The pool of one link.

    Args:
        ends: names of the two parties.
        run: what the key ids belong to; two runs never share an id.
        capacity_bits: bits beyond this are burnt on arrival.
        vault: keeps ledger and keys on disk; what it holds already is in the pool again, and
            expires when it was to expire.
        lifetime: of the keys that are produced from now on.

    >>> pool = KeyPool(("server", "client-03"), run="cell", capacity_bits=4096)
    >>> pool.produce({"server": Secret(bytes(64)), "client-03": Secret(bytes(64))})
    >>> [key] = pool.enc_keys("server")
    >>> [same] = pool.dec_keys("client-03", [key.key_id])
    >>> key.secret == same.secret, pool.bits_left
    (True, 256)
    """

    def __init__(
        self,
        ends: tuple[str, str],
        *,
        run: str,
        capacity_bits: int,
        vault: Vault | None = None,
        lifetime: Lifetime | None = None,
    ) -> None:
        if ends[0] == ends[1]:
            raise ConfigError(f"a link from {ends[0]!r} to itself; name two parties")
        link = "|".join((run, *ends))
        self._vault = vault
        self._ends = ends
        self._capacity = capacity_bits
        self._lifetime = lifetime or Lifetime()
        self._stock = Stock(ends)
        self._waiting: dict[tuple[str, str], _Copy] = {}
        self._next_expiry = inf
        self._issued = 0
        self._epoch = ""
        self._lock = threading.RLock()
        if vault is None:
            self.ledger = Ledger(link)
        else:
            self.ledger = Ledger(link, entries=vault.entries(), keep=vault.keep)
            self._restore(vault)

    @property
    def ends(self) -> tuple[str, str]:
        """Names of the two parties."""
        return self._ends

    @property
    def capacity_bits(self) -> int:
        """Most bits that are kept."""
        return self._capacity

    @property
    def bits_left(self) -> int:
        """Bits that can still be handed out."""
        with self._lock:
            never = self._next_expiry == inf
            stale = 0 if never else self._stock.stale(self._lifetime.clock())
            return 8 * (self._stock.size - stale)

    def produce(self, secrets: dict[str, Secret]) -> None:
        """Add the two copies of a new key, one per end; what does not fit is burnt."""
        if secrets.keys() != set(self._ends):
            raise SecurityError(f"keys for {sorted(secrets)} on a link of {sorted(self._ends)}")
        if len({secret.bits for secret in secrets.values()}) != 1:
            raise SecurityError("the two ends of a link bring keys of different length")
        with self._lock:
            self._expire()
            bits = secrets[self._ends[0]].bits
            room = min(bits, max(0, self._capacity - 8 * self._stock.size)) // 8
            lifetime = self._lifetime
            expires = lifetime.clock() + lifetime.seconds if lifetime.seconds < inf else None
            rows = [Announcement(KeyEvent.PRODUCED, 8 * room, expires=expires)]
            if bits > 8 * room:
                rows.append(Announcement(KeyEvent.PRODUCED, bits - 8 * room, _OVERFLOW))
                rows.append(Announcement(KeyEvent.BURNT, bits - 8 * room, _OVERFLOW))
            kept = {end: Secret(secrets[end].reveal()[:room]) for end in self._ends}
            if self._vault is not None:
                self._vault.add(list(kept.values()), start=self._stock.end)
            self.ledger.append(*rows)
            self._add(kept, expires)

    def enc_keys(self, end: str, *, number: int = 1, size: int = KEY_BITS) -> list[Key]:
        """Return fresh keys to the sender; copies wait for the other end.

        Args:
            end: who asks.
            number: how many keys.
            size: bits per key, a multiple of 8.

        Raises:
            KeyExhaustedError: the pool holds fewer bits; nothing was spent.
        """
        if end not in self._ends:
            raise ConfigError(f"the link of {' and '.join(self._ends)} has no end {end!r}")
        if size <= 0 or size % 8:
            raise ConfigError(f"a key size of {size!r} bits; size shall be a multiple of 8")
        with self._lock:
            self._expire()
            needed, left = number * size, 8 * self._stock.size
            if needed > left:
                raise KeyExhaustedError(
                    f"{end!r} asks for {needed} key bits on the link {self._ends[0]!r} to "
                    f"{self._ends[1]!r}, {left} are left; nothing was spent: run "
                    "another key exchange"
                )
            first = self._issued
            names = [self._name(index) for index in range(first, first + number)]
            self.ledger.append(
                *(Announcement(KeyEvent.DELIVERED, size, key_id, end) for key_id in names)
            )
            return [self._issue(end, key_id, size) for key_id in names]

    def dec_keys(self, end: str, key_ids: Iterable[str]) -> list[Key]:
        """Return the receiver's copies, once.

        Raises:
            UnknownKeyError: a key is not waiting for this end (never issued, issued by it, taken
                already or too old); none was handed out.
        """
        wanted = list(dict.fromkeys(key_ids))
        with self._lock:
            self._expire()
            missing = [key_id for key_id in wanted if (end, key_id) not in self._waiting]
            if missing:
                raise UnknownKeyError(
                    f"no key {missing[0]!r} waits for {end!r}: it was never issued to this end, "
                    "has expired or has been used"
                )
            copies = self._withdraw([(end, key_id) for key_id in wanted], KeyEvent.CONSUMED)
            return [Key(key_id, copy) for key_id, copy in zip(wanted, copies, strict=True)]

    def waits_for(self, key_id: str) -> str | None:
        """Return the end whose copy of a key waits, None if no copy does."""
        with self._lock:
            now = self._lifetime.clock()
            for end in self._ends:
                copy = self._waiting.get((end, key_id))
                if copy is not None and copy.expires > now:
                    return end
            return None

    def burn_waiting(self) -> int:
        """Destroy every copy that still waits for its receiver; return how many bits."""
        with self._lock:
            self._expire()
            return sum(copy.bits for copy in self._withdraw([*self._waiting], KeyEvent.BURNT))

    def close(self) -> None:
        """Let go of the folder, if the pool is kept in one; no key can be had any more."""
        if self._vault is not None:
            self._vault.close()

    def _add(self, copies: dict[str, Secret], expires: float | None) -> None:
        until = inf if expires is None else expires
        self._stock.add(copies, expires=until)
        self._next_expiry = min(self._next_expiry, until)

    def _name(self, index: int) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.ledger.link}|{index}{self._epoch}"))

    def _issue(self, end: str, key_id: str, size: int) -> Key:
        """Take a key whose delivery is in the ledger out of the stock."""
        cut = self._stock.take(size // 8)
        other = self._other(end)
        self._issued += 1
        self._erase(end, cut.place, size)
        self._waiting[other, key_id] = _Copy(cut.copies[other], cut.place, cut.expires)
        return Key(key_id, cut.copies[end])

    def _withdraw(self, names: Sequence[tuple[str, str]], event: KeyEvent) -> list[Secret]:
        """Record what becomes of waiting copies, and return them."""
        copies = [self._waiting[name] for name in names]
        self.ledger.append(
            *(
                Announcement(event, copy.secret.bits, key_id)
                for (_, key_id), copy in zip(names, copies, strict=True)
            )
        )
        for (end, key_id), copy in zip(names, copies, strict=True):
            del self._waiting[end, key_id]
            self._erase(end, copy.place, copy.secret.bits)
        return [copy.secret for copy in copies]

    def _expire(self) -> None:
        """Take out what is too old."""
        if self._next_expiry == inf or (now := self._lifetime.clock()) < self._next_expiry:
            return
        self._withdraw(
            [name for name, copy in self._waiting.items() if copy.expires <= now],
            KeyEvent.EXPIRED,
        )
        if stale := self._stock.stale(now):
            self.ledger.append(Announcement(KeyEvent.EXPIRED, 8 * stale))
            self._discard(stale)
        waiting = (copy.expires for copy in self._waiting.values())
        self._next_expiry = min(self._stock.next_expiry, *waiting, inf)

    def _discard(self, size: int) -> None:
        """Take bytes that nobody may use out of the stock."""
        cut = self._stock.take(size)
        for end in self._ends:
            self._erase(end, cut.place, 8 * size)

    def _restore(self, vault: Vault) -> None:
        """Put back what the ledger says is neither delivered, consumed, burnt nor expired."""
        kept = [e for e in self.ledger.entries if _stored(e)]
        copies = vault.material(sum(entry.bits for entry in kept) // 8)
        place = 0
        for entry in kept:
            part = slice(place, place + entry.bits // 8)
            place = part.stop
            self._add(
                {
                    end: Secret(copy.reveal()[part])
                    for end, copy in zip(self._ends, copies, strict=True)
                },
                entry.expires,
            )
        overflow = dict.fromkeys(KeyEvent, 0)
        for entry in self.ledger.entries:
            if entry.key_id == _OVERFLOW:
                overflow[entry.event] += entry.bits
            elif entry.event is KeyEvent.DELIVERED:
                self._issue(entry.end, entry.key_id, entry.bits)
            elif entry.key_id:
                self._forget(entry.key_id)
            elif entry.event is KeyEvent.EXPIRED:
                self._discard(entry.bits // 8)
            elif entry.event is KeyEvent.BURNT:
                self._start_afresh(entry)
        if unburnt := overflow[KeyEvent.PRODUCED] - overflow[KeyEvent.BURNT]:
            self.ledger.append(Announcement(KeyEvent.BURNT, unburnt, _OVERFLOW))
        if vault.lost:
            self._withdraw([*self._waiting], KeyEvent.BURNT)
            self.ledger.append(Announcement(KeyEvent.BURNT, 8 * self._stock.size))
            self._start_afresh(self.ledger.entries[-1])
        vault.settle()

    def _start_afresh(self, burning: Entry) -> None:
        """Take out all that is left, and share no key id with the entries that were lost."""
        self._discard(burning.bits // 8)
        self._epoch = f"|{burning.digest}"

    def _forget(self, key_id: str) -> None:
        """Drop a copy whose end is in the ledger."""
        for end in self._ends:
            copy = self._waiting.pop((end, key_id), None)
            if copy is not None:
                self._erase(end, copy.place, copy.secret.bits)

    def _erase(self, end: str, place: int, size: int) -> None:
        """Overwrite one end's copy on disk."""
        if self._vault is not None:
            self._vault.erase(self._ends.index(end), place, size // 8)

    def _other(self, end: str) -> str:
        return self._ends[1] if end == self._ends[0] else self._ends[0]

    def __repr__(self) -> str:
        return f"KeyPool({self._ends[0]!r}, {self._ends[1]!r}, bits_left={self.bits_left})"

    def __getstate__(self) -> object:
        raise SecurityError("a key pool is neither pickled nor copied")


def _stored(entry: Entry) -> bool:
    return entry.event is KeyEvent.PRODUCED and entry.key_id != _OVERFLOW
