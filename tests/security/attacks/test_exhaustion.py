"""A starved link refuses; a pad used twice would be read, and no pool gives one."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.attacks.exhaustion import drain, read_reused_pad
from qfl.security.keys import KeyPool, Secret
from qfl.security.primitives.pad import pad_key_bits, seal_pad

ENDS = ("server", "c")


def full_pool(bits=4096):
    pool = KeyPool(ENDS, run="cell", capacity_bits=bits)
    material = np.random.default_rng(0).bytes(bits // 8)
    pool.produce({end: Secret(material) for end in ENDS})
    return pool


def test_a_drained_pool_refuses_and_its_ledger_says_why():
    pool = full_pool()
    assert drain(pool, end="c") == 4096 == pool.ledger.account.delivered
    with pytest.raises(KeyExhaustedError):
        pool.enc_keys("server", size=8)


def test_a_pad_used_twice_is_read():
    texts = b"the first update", b"another update!!"
    key = Secret(np.random.default_rng(1).bytes(pad_key_bits(8 * 16) // 8))
    hidden = [seal_pad(key, text, associated_data=b"")[:16] for text in texts]
    assert read_reused_pad(*hidden, known=texts[0]) == texts[1]


def test_no_pool_gives_a_pad_twice():
    texts = b"the first update", b"another update!!"
    pool = full_pool()
    bits = pad_key_bits(8 * 16)
    keys = [pool.enc_keys("server", size=bits)[0].secret for _ in texts]
    hidden = [
        seal_pad(key, text, associated_data=b"")[:16] for key, text in zip(keys, texts, strict=True)
    ]
    assert read_reused_pad(*hidden, known=texts[0]) != texts[1]


def test_half_a_guess_is_not_enough():
    with pytest.raises(ConfigError, match="whole message"):
        read_reused_pad(b"abcd", b"efgh", known=b"ab")
