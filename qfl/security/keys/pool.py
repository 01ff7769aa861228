"""Keys waiting on one link, handed out once per end.

The verbs follow ETSI GS QKD 014: the sender takes fresh keys with `enc_keys`, the receiver asks
for the same keys by id with `dec_keys`. An event is in the ledger before its key is handed out,
so a key that was seen is never given again. A pool may be used by several threads, and kept in a
folder (`vault.py`) it survives its process.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from qfl.core.errors import ConfigError, KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.keys.ledger import KeyEvent, Ledger
from qfl.security.keys.secret import Secret
from qfl.security.keys.vault import Vault

KEY_BITS = 256
_OVERFLOW = "overflow"
_NAMESPACE = uuid.UUID("5b0c8f4e-9d0b-5b1e-8a36-2f6f7f0c6a14")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the name by which both ends know it."""

    key_id: str
    secret: Secret


class KeyPool:
    """The pool of one link.

    Args:
        ends: names of the two parties.
        run: what the key ids belong to; two runs never share an id.
        capacity_bits: bits beyond this are burnt on arrival.
        vault: keeps ledger and keys on disk; what it holds already is in the pool again.

    >>> pool = KeyPool(("server", "client-03"), run="cell", capacity_bits=4096)
    >>> pool.produce({"server": Secret(bytes(64)), "client-03": Secret(bytes(64))})
    >>> [key] = pool.enc_keys("server")
    >>> [same] = pool.dec_keys("client-03", [key.key_id])
    >>> key.secret == same.secret, pool.bits_left
    (True, 256)
    """

    def __init__(
        self, ends: tuple[str, str], *, run: str, capacity_bits: int, vault: Vault | None = None
    ) -> None:
        if ends[0] == ends[1]:
            raise ConfigError(f"a link from {ends[0]!r} to itself; name two parties")
        link = "|".join((run, *ends))
        self._vault = vault
        self._ends = ends
        self._capacity = capacity_bits
        self._store = {end: bytearray() for end in ends}
        self._waiting: dict[tuple[str, str], Secret] = {}
        self._places: dict[str, int] = {}
        self._issued = self._taken = 0
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
    def bits_left(self) -> int:
        """Bits that can still be handed out."""
        return 8 * len(self._store[self._ends[0]])

    def produce(self, secrets: dict[str, Secret]) -> None:
        """Add the two copies of a new key, one per end; what does not fit is burnt."""
        if secrets.keys() != self._store.keys():
            raise SecurityError(f"keys for {sorted(secrets)} on a link of {sorted(self._ends)}")
        if len({secret.bits for secret in secrets.values()}) != 1:
            raise SecurityError("the two ends of a link bring keys of different length")
        with self._lock:
            bits = secrets[self._ends[0]].bits
            room = min(bits, max(0, self._capacity - self.bits_left)) // 8
            if self._vault is not None:
                self._vault.add([secrets[end].reveal()[:room] for end in self._ends])
            self.ledger.append(KeyEvent.PRODUCED, 8 * room)
            for end, secret in secrets.items():
                self._store[end] += secret.reveal()[:room]
            if bits > 8 * room:
                self.ledger.append(KeyEvent.PRODUCED, bits - 8 * room, _OVERFLOW)
                self.ledger.append(KeyEvent.BURNT, bits - 8 * room, _OVERFLOW)

    def enc_keys(self, end: str, *, number: int = 1, size: int = KEY_BITS) -> list[Key]:
        """Return fresh keys to the sender; copies wait for the other end.

        Args:
            end: who asks.
            number: how many keys.
            size: bits per key, a multiple of 8.

        Raises:
            KeyExhaustedError: the pool holds fewer bits; nothing was spent.
        """
        if end not in self._store:
            raise ConfigError(f"the link of {' and '.join(self._ends)} has no end {end!r}")
        if size <= 0 or size % 8:
            raise ConfigError(f"a key size of {size!r} bits; size shall be a multiple of 8")
        with self._lock:
            needed = number * size
            if needed > self.bits_left:
                raise KeyExhaustedError(
                    f"{end!r} asks for {needed} key bits on the link {self._ends[0]!r} to "
                    f"{self._ends[1]!r}, {self.bits_left} are left; nothing was spent: run "
                    "another key exchange"
                )
            return [self._issue(end, size) for _ in range(number)]

    def dec_keys(self, end: str, key_ids: Iterable[str]) -> list[Key]:
        """Return the receiver's copies, once.

        Raises:
            UnknownKeyError: a key is not waiting for this end (never issued, issued by it, or
                taken already); none was handed out.
        """
        wanted = list(dict.fromkeys(key_ids))
        with self._lock:
            missing = [key_id for key_id in wanted if (end, key_id) not in self._waiting]
            if missing:
                raise UnknownKeyError(
                    f"no key {missing[0]!r} waits for {end!r}: it was never issued to this end or "
                    "has been used"
                )
            keys = []
            for key_id in wanted:
                secret = self._waiting.pop((end, key_id))
                self.ledger.append(KeyEvent.CONSUMED, secret.bits, key_id)
                self._erase(end, key_id, secret.bits)
                keys.append(Key(key_id, secret))
            return keys

    def waits_for(self, key_id: str) -> str | None:
        """Return the end whose copy of a key waits, None if no copy does."""
        with self._lock:
            return next((end for end in self._ends if (end, key_id) in self._waiting), None)

    def burn_waiting(self) -> int:
        """Destroy every copy that still waits for its receiver; return how many bits."""
        with self._lock:
            burnt = 0
            for (end, key_id), secret in list(self._waiting.items()):
                self.ledger.append(KeyEvent.BURNT, secret.bits, key_id)
                self._erase(end, key_id, secret.bits)
                burnt += secret.bits
            self._waiting.clear()
            return burnt

    def _issue(self, end: str, size: int) -> Key:
        key_id = str(uuid.uuid5(_NAMESPACE, f"{self.ledger.link}|{self._issued}"))
        self.ledger.append(KeyEvent.DELIVERED, size, key_id, end)
        cut = self._cut(key_id, size)
        self._erase(end, key_id, size)
        other = self._other(end)
        self._waiting[other, key_id] = cut[other]
        return Key(key_id, cut[end])

    def _restore(self, vault: Vault) -> None:
        """Put back what the ledger says is neither delivered, consumed nor burnt."""
        kept = sum(
            entry.bits
            for entry in self.ledger.entries
            if entry.event is KeyEvent.PRODUCED and entry.key_id != _OVERFLOW
        )
        for end, material in zip(self._ends, vault.material(kept // 8), strict=True):
            self._store[end] += material
        overflow = dict.fromkeys(KeyEvent, 0)
        for entry in self.ledger.entries:
            if entry.key_id == _OVERFLOW:
                overflow[entry.event] += entry.bits
            elif entry.event is KeyEvent.DELIVERED:
                other = self._other(entry.end)
                self._waiting[other, entry.key_id] = self._cut(entry.key_id, entry.bits)[other]
            elif entry.key_id:
                for end in self._ends:
                    self._waiting.pop((end, entry.key_id), None)
        if unburnt := overflow[KeyEvent.PRODUCED] - overflow[KeyEvent.BURNT]:
            self.ledger.append(KeyEvent.BURNT, unburnt, _OVERFLOW)

    def _cut(self, key_id: str, size: int) -> dict[str, Secret]:
        """Take the oldest bits out of the store and remember where they lay."""
        cut = {end: Secret(bytes(store[: size // 8])) for end, store in self._store.items()}
        for store in self._store.values():
            del store[: size // 8]
        self._issued += 1
        self._places[key_id] = self._taken
        self._taken += size // 8
        return cut

    def _erase(self, end: str, key_id: str, size: int) -> None:
        """Overwrite one end's copy on disk."""
        if self._vault is not None:
            self._vault.erase(self._ends.index(end), self._places[key_id], size // 8)

    def _other(self, end: str) -> str:
        return self._ends[1] if end == self._ends[0] else self._ends[0]

    def __repr__(self) -> str:
        return f"KeyPool({self._ends[0]!r}, {self._ends[1]!r}, bits_left={self.bits_left})"

    def __getstate__(self) -> object:
        raise SecurityError("a key pool is neither pickled nor copied")
