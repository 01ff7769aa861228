"""QKD between clients: enough key for every pair, and what it took."""

import numpy as np
import pytest

from qfl.core.errors import KeyExhaustedError
from qfl.security.mesh import Mesh
from qfl.security.qkd import Block, FibreLink

NEAR, FAR = ("a", "b"), ("b", "c")


def mesh(**lengths):
    fibres = {name: FibreLink(length_km=lengths.get(name, 5.0)) for name in "abc"}
    return Mesh(fibres, run="test", block=Block(pulses=10**8))


def test_blocks_of_one_pair_follow_each_other_and_pairs_work_at_once():
    found, rng = mesh(), np.random.default_rng(0)
    found.supply([NEAR], bits=512, rng=rng)
    assert found.seconds == pytest.approx(0.1)
    found.supply([FAR], bits=512, rng=rng)
    assert found.seconds == pytest.approx(0.1)
    found.supply([NEAR], bits=found.pools[NEAR].bits_left + 512, rng=rng)
    assert found.seconds == pytest.approx(0.2)
    found.start_round()
    assert found.seconds == found.produced_bits == 0


def test_what_was_made_is_left_until_it_is_used():
    found, rng = mesh(), np.random.default_rng(0)
    assert found.left is None
    found.supply([NEAR, FAR], bits=512, rng=rng)
    levels = [pool.bits_left for pool in found.pools.values()]
    assert (found.left.links, found.left.poorest_bits) == (2, min(levels))
    assert found.left.bits_left == found.produced_bits == sum(levels)
    found.pools[NEAR].enc_keys("a")
    assert found.left.bits_left == found.produced_bits - 256


def test_what_a_pair_made_counts_although_another_makes_none():
    found = mesh(c=400.0)
    with pytest.raises(KeyExhaustedError, match="'b' and 'c' give no key"):
        found.supply([NEAR, FAR], bits=512, rng=np.random.default_rng(0))
    assert found.produced_bits == found.left.bits_left > 0
