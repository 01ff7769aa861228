"""Keys of pairs: equal at both ends, another for every edge, and all paid or none."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.keys import KeyPool, Secret
from qfl.security.masking.pairs import kem_pair_keys, pool_pair_keys

EDGES = [("a", "b"), ("a", "c"), ("b", "c")]


def pools(bits=1024, **short):
    found, rng = {}, np.random.default_rng(0)
    for one, other in EDGES:
        material = rng.bytes(short.get(one + other, bits) // 8)
        found[one, other] = KeyPool((one, other), run="cell", capacity_bits=1 << 16)
        found[one, other].produce({one: Secret(material), other: Secret(material)})
    return found


@pytest.mark.parametrize("made", [kem_pair_keys, lambda edges: pool_pair_keys(edges, pools())])
def test_both_ends_hold_the_same_key_and_no_two_edges_do(made):
    keys = made(EDGES)
    assert {name: set(own) for name, own in keys.items()} == {
        "a": {"b", "c"},
        "b": {"a", "c"},
        "c": {"a", "b"},
    }
    for one, other in EDGES:
        assert keys[one][other] == keys[other][one]
        assert keys[one][other].bits == 256
    assert len({keys[one][other].reveal() for one, other in EDGES}) == 3


def test_every_link_pays_for_its_key():
    links = pools()
    pool_pair_keys(EDGES, links, size=512)
    assert {pool.bits_left for pool in links.values()} == {512}


def test_if_one_link_is_short_no_link_pays():
    links = pools(bc=128)
    with pytest.raises(KeyExhaustedError, match="'b' and 'c' has 128 key bits left"):
        pool_pair_keys(EDGES, links)
    assert [pool.bits_left for pool in links.values()] == [1024, 1024, 128]


def test_two_without_a_link_share_nothing():
    with pytest.raises(ConfigError, match="no link between 'a' and 'd'"):
        pool_pair_keys([("a", "d")], pools())
