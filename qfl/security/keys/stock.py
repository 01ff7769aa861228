"""The bytes that a pool can still hand out, oldest first, and until when they are good."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import NoReturn

from qfl.core.errors import SecurityError
from qfl.security.keys.secret import Secret


@dataclass(frozen=True, slots=True)
class Cut:
    """A key taken from the stock.

    Attributes:
        copies: end -> its copy.
        place: where it lay, in bytes since the first production.
        expires: when its oldest or first-expiring byte is too old; infinity: never.
    """

    copies: Mapping[str, Secret]
    place: int
    expires: float


class Stock:
    """Both ends' copies of what was produced and not yet taken.

    Args:
        ends: names of the two parties.

    >>> stock = Stock(("a", "b"))
    >>> stock.add({"a": Secret(b"old"), "b": Secret(b"old")}, expires=60.0)
    >>> stock.add({"a": Secret(b"new"), "b": Secret(b"new")}, expires=90.0)
    >>> stock.take(4).expires, stock.size, stock.stale(61.0), stock.stale(90.0)
    (60.0, 2, 0, 2)
    """

    def __init__(self, ends: tuple[str, str]) -> None:
        self._bytes = {end: bytearray() for end in ends}
        self._batches: deque[tuple[int, float]] = deque()
        self._taken = 0

    @property
    def size(self) -> int:
        """Bytes per end."""
        return len(next(iter(self._bytes.values())))

    @property
    def end(self) -> int:
        """Bytes per end that were ever added."""
        return self._taken + self.size

    @property
    def next_expiry(self) -> float:
        """When the first byte expires; infinity: never."""
        return min((expires for _, expires in self._batches), default=inf)

    def add(self, copies: Mapping[str, Secret], *, expires: float) -> None:
        """Put new bytes behind the others."""
        before = self.size
        for end, secret in copies.items():
            self._bytes[end] += secret.reveal()
        if self.size > before:
            self._batches.append((self.size - before, expires))

    def take(self, size: int) -> Cut:
        """Return the oldest `size` bytes, which are in the stock no longer."""
        copies = {end: Secret(held[:size]) for end, held in self._bytes.items()}
        for held in self._bytes.values():
            del held[:size]
        place, missing, expires = self._taken, size, inf
        self._taken += size
        while missing:
            batch, until = self._batches.popleft()
            expires = min(expires, until)
            if batch > missing:
                self._batches.appendleft((batch - missing, until))
            missing -= min(batch, missing)
        return Cut(copies, place, expires)

    def stale(self, now: float) -> int:
        """Return how many of the oldest bytes may not be used any more: the last stale one and
        all that were produced before it."""
        total = stale = 0
        for size, expires in self._batches:
            total += size
            if expires <= now:
                stale = total
        return stale

    def __repr__(self) -> str:
        return f"<Stock of {8 * self.size} bits per end>"

    def __reduce__(self) -> NoReturn:
        raise SecurityError("a stock of keys is neither pickled nor copied")
