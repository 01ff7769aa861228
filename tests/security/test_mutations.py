"""Ten thousand envelopes that were changed on the way: none is accepted.

At L4 and L3 every forgery meets a key that is still waiting, as the first attempt spends it; at
L2 and L1, where opening spends nothing, an envelope is forged several times over.
"""

from dataclasses import fields, replace

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header, SecurityLevel
from qfl.core.errors import TamperedError
from qfl.core.update import Update
from qfl.security.channel import Sealed
from qfl.security.keys import Secret

FORGERIES = 1250
LEVELS = ["L4", "L3", "L2", "L1"]
CIPHERS = ["aes-256-gcm", "chacha20-poly1305"]
SMALL = Update({"head": {"b": np.arange(4, dtype=np.float32)}}, {"head": 3})


class Line:
    """A channel with key enough, whose messages are forged."""

    def __init__(self, level, cipher):
        self.rng = np.random.default_rng([LEVELS.index(level), CIPHERS.index(cipher)])
        config = Sealed(level=level, minimum_level=level, cipher=cipher)
        config = replace(config, pool_capacity_bits=1 << 23)
        links = config.links(["c"], rng=self.rng)
        self.channel = config.connect(links, run="cell")
        self.channel.exchange("c", round=0, rng=self.rng)
        pool = self.channel._links["c"].pool
        material = Secret(self.rng.bytes(1 << 19))
        pool.produce({end: material for end in pool.ends})
        self.one_shot = level in ("L4", "L3")
        self.round = 0
        self.sealed = None

    def envelope(self, *, fresh=False):
        """Return a sealed message that was not opened, nor tried to be if that spends its key."""
        if fresh or self.one_shot or self.sealed is None or self.rng.random() < 0.1:
            self.round += 1
            header = Header("cell", self.round, "server", "c", Direction.DOWN, SMALL.schema)
            self.sealed = self.channel.seal(SMALL, header)
        return self.sealed

    def forgery(self, kind):
        """Return an envelope that differs from one that was sealed."""
        return getattr(self, kind)(self.envelope())

    def flipped(self, envelope):
        body = bytearray(envelope.ciphertext)
        position = int(self.rng.integers(8 * len(body)))
        body[position // 8] ^= 1 << position % 8
        return replace(envelope, ciphertext=bytes(body))

    def truncated(self, envelope):
        length = int(self.rng.integers(len(envelope.ciphertext)))
        return replace(envelope, ciphertext=envelope.ciphertext[:length])

    def extended(self, envelope):
        more = self.rng.bytes(int(self.rng.integers(1, 40)))
        return replace(envelope, ciphertext=bytes(envelope.ciphertext) + more)

    def shuffled(self, envelope):
        body = bytes(envelope.ciphertext)
        cut = int(self.rng.integers(1, len(body)))
        return replace(envelope, ciphertext=body[cut:] + body[:cut])

    def outside(self, envelope):
        return [
            replace(envelope, nonce=self.rng.bytes(12)),
            replace(envelope, key_bits=envelope.key_bits + 8),
            replace(envelope, level=SecurityLevel.PLAIN),
            replace(envelope, level=LEVELS[3 - LEVELS.index(envelope.level)]),
        ][self.rng.integers(4)]

    def header(self, envelope):
        field = fields(Header)[self.rng.integers(len(fields(Header)))]
        value = getattr(envelope.header, field.name)
        if isinstance(value, int):
            changed = value + int(self.rng.integers(1, 100))
        elif field.name == "direction":
            changed = Direction.UP
        else:
            changed = str(value) + "x" if self.rng.random() < 0.5 else self.rng.bytes(8).hex()
        return replace(envelope, header=replace(envelope.header, **{field.name: changed}))

    def swapped(self, envelope):
        other = self.envelope(fresh=True)
        pair = [(envelope, other), (other, envelope)][self.rng.integers(2)]
        return replace(pair[0], header=pair[1].header)

    def replayed(self, envelope):
        envelope = self.envelope(fresh=True)
        assert self.channel.open(envelope).payload == SMALL.payload
        later = replace(envelope.header, round=envelope.header.round + 1)
        self.sealed = None
        return [envelope, replace(envelope, header=later)][self.rng.integers(2)]


KINDS = [
    "flipped",
    "truncated",
    "extended",
    "shuffled",
    "outside",
    "header",
    "swapped",
    "replayed",
]


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_mutated_envelope_is_accepted(level, cipher):
    line = Line(level, cipher)
    for index in range(FORGERIES):
        forged = line.forgery(KINDS[index % len(KINDS)])
        with pytest.raises(TamperedError):
            line.channel.open(forged)
        if index % 50 == 0:
            honest = line.envelope(fresh=True)
            assert line.channel.open(honest).payload == SMALL.payload
            line.sealed = None


def test_that_makes_ten_thousand():
    assert FORGERIES * len(LEVELS) * len(CIPHERS) == 10_000
