"""A sealed message and the header that its authentication tag binds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from qfl.core.arrays import canonical_json


class Direction(StrEnum):
    """Which way a message travels."""

    UP = "up"
    DOWN = "down"


class SecurityLevel(StrEnum):
    """How a message is protected, strongest first; a record names the level of every round.

    L0 is that of a round in which everything was refused: nothing was sent.
    """

    ONE_TIME_PAD = "L4"
    QKD_AEAD = "L3"
    HYBRID = "L2"
    KEM_ONLY = "L1"
    REFUSED = "L0"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Header:
    """Everything the tag authenticates besides the content.

    Attributes:
        run, round: which study cell and federated round the message belongs to.
        sender, receiver: participant names.
        direction: up (client to server) or down.
        key_id: identifies the key at both ends; empty on a plain channel.
        schema: `Update.schema` of the content.
        sequence: position among the messages of this sender, receiver and round.
    """

    run: str
    round: int
    sender: str
    receiver: str
    direction: Direction
    schema: str
    key_id: str = ""
    sequence: int = 0

    def associated_data(self) -> bytes:
        """Return the canonical bytes of all fields."""
        return canonical_json(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed update as it travels; `key_bits` is how much key it consumed."""

    header: Header
    nonce: bytes
    ciphertext: bytes | memoryview
    level: SecurityLevel
    key_bits: int = 0

    @property
    def wire_bytes(self) -> int:
        """Bytes on the link: header, nonce and ciphertext (tag included)."""
        return len(self.header.associated_data()) + len(self.nonce) + len(self.ciphertext)
