"""Sending sealed messages again, in another order, or under another header.

None of these attacks needs a key: what is sent was sealed by an honest party. `StaticBox` is the
box that they open, an encryption that binds nothing but its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cryptography.fernet import Fernet, InvalidToken

from qfl.core.envelope import Envelope, Header, SecurityLevel
from qfl.core.errors import TamperedError
from qfl.core.update import Update

Open = Callable[[Envelope], Update]


class StaticBox:
    """Encrypts every message of a run under one key and authenticates its content alone.

    Many prototypes do so and call the key quantum; it is here to be attacked.

    >>> import numpy as np
    >>> update = Update({"head": {"bias": np.ones(2, np.float32)}}, {"head": 40})
    >>> box = StaticBox()
    >>> sealed = box.seal(update, Header("cell", 1, "c", "server", "up", update.schema))
    >>> [box.open(sealed).samples for _ in range(2)]
    [{'head': 40}, {'head': 40}]
    """

    def __init__(self) -> None:
        self._box = Fernet(Fernet.generate_key())

    def seal(self, update: Update, header: Header) -> Envelope:
        """Return the encrypted update."""
        return Envelope(header, b"", self._box.encrypt(bytes(update.payload)), SecurityLevel.PLAIN)

    def open(self, envelope: Envelope) -> Update:
        """Return the update inside, whatever the header says and however often it came."""
        try:
            return Update.from_payload(self._box.decrypt(bytes(envelope.ciphertext)))
        except InvalidToken:
            raise TamperedError("a message does not authenticate; it was not opened") from None


def accepted(open_: Open, envelopes: Iterable[Envelope]) -> int:
    """Return how many of the envelopes are opened without complaint."""
    count = 0
    for envelope in envelopes:
        try:
            open_(envelope)
        except TamperedError:
            continue
        count += 1
    return count


def replay(open_: Open, sent: Sequence[Envelope]) -> int:
    """Deliver everything, then everything again; return how many repetitions are accepted."""
    accepted(open_, sent)
    return accepted(open_, sent)


def reorder(open_: Open, sent: Sequence[Envelope]) -> int:
    """Deliver the last message first; return how many of the older ones are still accepted."""
    accepted(open_, sent[-1:])
    return accepted(open_, sent[:-1])


def splice(open_: Open, sent: Sequence[Envelope]) -> int:
    """Deliver every header with the next message's content; return how many are accepted."""
    return accepted(
        open_,
        [
            replace(other, header=one.header)
            for one, other in zip(sent, [*sent[1:], *sent[:1]], strict=True)
        ],
    )
