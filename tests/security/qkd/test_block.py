"""Blocks of count level: finite keys, aborts and authentication, in milliseconds."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.keys import Secret
from qfl.security.qkd.block import Block, run_block
from qfl.security.qkd.finite import expected_finite_key
from qfl.security.qkd.line import PublicLine, TagKeys
from qfl.security.qkd.link import FibreLink

LINK = FibreLink(length_km=50)
BLOCK = Block(pulses=10**10, most_bits=1 << 30)


def test_the_key_is_as_long_as_the_finite_bound_expects():
    """Counts of about 10^7 vary by 0.03 %; the length by less than 2 %."""
    session = run_block(LINK, block=BLOCK, rng=np.random.default_rng(0))
    key, _ = expected_finite_key(LINK, BLOCK.protocol, block=session.sifted_bits)
    assert session.secret_bits == pytest.approx(key.length, rel=0.02)
    assert session.keys[0] == session.keys[1]
    assert session.duration_seconds == 10.0
    assert session.secret_bits % 8 == 0


def test_same_seed_same_block_and_no_more_than_asked():
    block = replace(BLOCK, most_bits=4096)
    first, second = (run_block(LINK, block=block, rng=np.random.default_rng(9)) for _ in range(2))
    assert first == second
    assert first.keys == second.keys
    assert first.secret_bits == 4096


def test_an_eavesdropper_on_all_pulses_is_noticed():
    """She causes 25 %; from 8,192 probes it is within 2.5 points with probability 1 - 2e-7."""
    eve = InterceptResend(fraction=1.0)
    session = run_block(LINK, block=BLOCK, rng=np.random.default_rng(0), eavesdropper=eve)
    assert session.keys is None
    assert session.qber == pytest.approx(0.255, abs=0.03)
    assert "QBER" in session.aborted


def test_blocks_that_are_too_small_or_dark_give_no_key():
    small = run_block(LINK, block=replace(BLOCK, pulses=10_000), rng=np.random.default_rng(0))
    assert (small.secret_bits, "no secret bits" in small.aborted) == (0, True)
    dark = FibreLink(length_km=2000, dark_count_probability=0.0)
    nothing = run_block(dark, block=BLOCK, rng=np.random.default_rng(0))
    assert (nothing.qber, nothing.aborted) == (None, "no pulse was detected")
    with pytest.raises(ConfigError, match="a block of 0 pulses"):
        Block(pulses=0)


def test_a_block_pays_for_its_authentication_and_rejects_a_meddler():
    class Altered:
        def meddle(self, sender, message):
            return message + b"!"

    shared = TagKeys(Secret(bytes(range(32))), Secret(bytes(32)))
    keys = (shared, shared)
    honest = PublicLine(keys)
    good = run_block(LINK, block=BLOCK, rng=np.random.default_rng(0), line=honest)
    assert (good.authentication_bits, good.secret_bits > 0) == (256, True)
    bad = run_block(
        LINK, block=BLOCK, rng=np.random.default_rng(0), line=PublicLine(keys, meddler=Altered())
    )
    assert bad.keys is None
    assert "authenticate" in bad.aborted
