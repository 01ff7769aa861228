"""A box that binds nothing accepts everything; the sealed channel accepts none of it."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.errors import TamperedError
from qfl.core.update import Update
from qfl.security.attacks.envelopes import StaticBox, accepted, reorder, replay, splice
from qfl.security.channel import Sealed

UPDATES = [Update({"head": {"bias": np.full(4, i, np.float32)}}, {"head": 40}) for i in range(6)]


def header(sequence):
    schema = UPDATES[0].schema
    return Header("cell", 1, "c", "server", Direction.UP, schema, sequence=sequence)


def sealed_channel():
    config = Sealed(pool_capacity_bits=1 << 18)
    rng = np.random.default_rng(0)
    channel = config.connect(config.links(["c"], rng=rng), run="cell")
    for session in range(12):
        channel.exchange("c", round=session, rng=rng)
    return channel


@pytest.mark.parametrize(("attack", "forgeries"), [(replay, 6), (reorder, 5), (splice, 6)])
def test_all_or_nothing(attack, forgeries):
    for sealer, expected in ((StaticBox(), forgeries), (sealed_channel(), 0)):
        sent = [sealer.seal(update, header(i)) for i, update in enumerate(UPDATES)]
        assert attack(sealer.open, sent) == expected


def test_honest_messages_pass_the_channel():
    channel = sealed_channel()
    sent = [channel.seal(update, header(i)) for i, update in enumerate(UPDATES)]
    assert accepted(channel.open, sent) == len(UPDATES)


def test_the_box_does_authenticate_its_content():
    box = StaticBox()
    sealed = box.seal(UPDATES[0], header(0))
    with pytest.raises(TamperedError):
        box.open(replace(sealed, ciphertext=sealed.ciphertext[:-4] + b"AAAA"))
