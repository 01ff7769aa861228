"""Keys waiting on one link, handed out once per end.

The verbs follow ETSI GS QKD 014: the sender takes fresh keys with `enc_keys`, the receiver asks
for the same keys by id with `dec_keys`. An event is in the ledger before its key is handed out,
so a key that was seen is never given again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from qfl.core.errors import ConfigError, KeyExhaustedError, SecurityError, UnknownKeyError
from qfl.security.keys.ledger import KeyEvent, Ledger
from qfl.security.keys.secret import Secret

KEY_BITS = 256
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

    >>> pool = KeyPool(("server", "client-03"), run="cell", capacity_bits=4096)
    >>> pool.produce({"server": Secret(bytes(64)), "client-03": Secret(bytes(64))})
    >>> [key] = pool.enc_keys("server")
    >>> [same] = pool.dec_keys("client-03", [key.key_id])
    >>> key.secret == same.secret, pool.bits_left
    (True, 256)
    """

    def __init__(self, ends: tuple[str, str], *, run: str, capacity_bits: int) -> None:
        if ends[0] == ends[1]:
            raise ConfigError(f"a link from {ends[0]!r} to itself; name two parties")
        self.ledger = Ledger("|".join((run, *ends)))
        self._ends = ends
        self._capacity = capacity_bits
        self._store = {end: bytearray() for end in ends}
        self._waiting: dict[tuple[str, str], Secret] = {}
        self._issued = 0

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
        bits = secrets[self._ends[0]].bits
        room = max(0, self._capacity - self.bits_left) // 8
        self.ledger.append(KeyEvent.PRODUCED, bits)
        if bits > 8 * room:
            self.ledger.append(KeyEvent.BURNT, bits - 8 * room)
        for end, secret in secrets.items():
            self._store[end] += secret.reveal()[:room]

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
        needed = number * size
        if needed > self.bits_left:
            raise KeyExhaustedError(
                f"{end!r} asks for {needed} key bits on the link {self._ends[0]!r} to "
                f"{self._ends[1]!r}, {self.bits_left} are left; nothing was spent: run another "
                "key exchange"
            )
        return [self._issue(end, size) for _ in range(number)]

    def dec_keys(self, end: str, key_ids: Iterable[str]) -> list[Key]:
        """Return the receiver's copies, once.

        Raises:
            UnknownKeyError: a key is not waiting for this end (never issued, issued by it, or
                taken already); none was handed out.
        """
        wanted = list(dict.fromkeys(key_ids))
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
            keys.append(Key(key_id, secret))
        return keys

    def burn_waiting(self) -> int:
        """Destroy every copy that still waits for its receiver; return how many bits."""
        burnt = 0
        for (_, key_id), secret in list(self._waiting.items()):
            self.ledger.append(KeyEvent.BURNT, secret.bits, key_id)
            burnt += secret.bits
        self._waiting.clear()
        return burnt

    def _issue(self, end: str, size: int) -> Key:
        key_id = str(uuid.uuid5(_NAMESPACE, f"{self.ledger.link}|{self._issued}"))
        self._issued += 1
        self.ledger.append(KeyEvent.DELIVERED, size, key_id)
        cut = {party: Secret(bytes(store[: size // 8])) for party, store in self._store.items()}
        for store in self._store.values():
            del store[: size // 8]
        other = self._ends[1] if end == self._ends[0] else self._ends[0]
        self._waiting[(other, key_id)] = cut[other]
        return Key(key_id, cut[end])

    def __repr__(self) -> str:
        return f"KeyPool({self._ends[0]!r}, {self._ends[1]!r}, bits_left={self.bits_left})"

    def __getstate__(self) -> object:
        raise SecurityError("a key pool is neither pickled nor copied")
