"""Blocks bit by bit: what they agree on is what the count level says, and nothing leaks through."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.security.attacks.interception import InterceptResend
from qfl.security.keys import Secret
from qfl.security.qkd.block import Block, run_block
from qfl.security.qkd.finite import FiniteProtocol, sampled_counts
from qfl.security.qkd.line import PublicLine, TagKeys
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.sifted_block import run_sifted_block

LINK = FibreLink(length_km=2)
TWO = FiniteProtocol(
    intensities=(0.5, 0.15, 1e-3), probabilities=(0.5, 0.3, 0.2), key_basis=0.6, secrecy=1e-9
)
ONE = FiniteProtocol(intensities=(0.5, 0.12), probabilities=(0.7, 0.3), key_basis=0.6)
BLOCK = Block(pulses=4_000_000, protocol=TWO)


def run(block=BLOCK, seed=1, link=LINK, **options):
    return run_sifted_block(link, block=block, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("protocol", [TWO, ONE])
def test_keys_are_equal_and_no_longer_than_the_bounds_allow(protocol):
    """The count level assumes f = 1.16; Cascade discloses less, so the key is a little longer."""
    block = replace(BLOCK, protocol=protocol)
    found = run(block)
    assert found.keys[0] == found.keys[1]
    assert found.keys[0].bits == found.secret_bits > 1000
    counted = run_block(LINK, block=block, rng=np.random.default_rng(1))
    assert found.sifted_bits == counted.sifted_bits
    assert found.disclosed_bits < counted.disclosed_bits
    gained = counted.disclosed_bits - found.disclosed_bits
    assert abs(found.secret_bits - counted.secret_bits - gained) < 128


def test_every_bit_is_where_the_counts_put_it():
    """With the same generator the counts are drawn first; errors of both bases are theirs."""
    key, test = sampled_counts(LINK, TWO, pulses=4_000_000, rng=np.random.default_rng(1))
    found = run()
    assert found.sifted_bits == sum(key.detected)
    assert found.sampled_bits == sum(test.detected)
    assert found.qber == sum(test.errors) / sum(test.detected)


def test_an_eavesdropper_costs_key_or_all_of_it():
    lengths = [run(eavesdropper=InterceptResend(f)).secret_bits for f in (0.0, 0.02)]
    assert lengths[0] > lengths[1]
    caught = run(eavesdropper=InterceptResend())
    assert "QBER" in caught.aborted
    assert caught.keys is None


def test_reasons_for_no_key():
    assert "no pulse was detected" in run(replace(BLOCK, pulses=3)).aborted
    assert "leave no secret bits" in run(replace(BLOCK, pulses=40_000)).aborted
    keys = [TagKeys(Secret(bytes([k]) * 32), Secret(bytes(32))) for k in (1, 2)]
    unequal = run(line=PublicLine((keys[0], keys[1])))
    assert "authenticate" in unequal.aborted
    assert unequal.authentication_bits == 256
    equal = run(line=PublicLine((keys[0], keys[0])))
    assert equal.keys
    assert equal.authentication_bits == 256


def test_equal_seeds_give_equal_blocks_and_the_cap_holds():
    capped = replace(BLOCK, most_bits=1000)
    first, second = run(capped), run(capped)
    assert first == second
    assert first.keys == second.keys
    assert first.secret_bits == 1000
