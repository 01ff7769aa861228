"""Relays that keep what they pass on: what they know together, path by path."""

from itertools import chain, combinations

import numpy as np

from qfl.security.attacks.relay import pooled_knowledge
from tests.security.keys.relays import LINE, MESH, network


def test_one_path_is_lost_to_each_relay_and_to_nobody_else():
    """Transcript XOR link key gives the key at each relay; the transcript alone does not."""
    relay, _ = network(LINE)
    done = relay.deliver("a", "b", rng=np.random.default_rng(2))
    for node in ("r", "s"):
        assert done.exposed_to({node})
        assert pooled_knowledge(done, corrupt={node}) == done.key
    assert not done.exposed_to({"t", "elsewhere"})
    assert all(hop.hidden != done.key.reveal() for hop in done.transcript)
    assert done.key.reveal() not in b"".join(hop.hidden for hop in done.transcript)


def test_two_paths_are_lost_only_to_relays_on_both():
    relay, pools = network(MESH)
    done = relay.deliver("a", "b", rng=np.random.default_rng(3), path_count=2)
    assert done.paths == (("a", "t", "b"), ("a", "r", "s", "b"))
    assert done.key == done.copy
    assert done.consumed_bits == 5 * 256
    sets = chain.from_iterable(combinations("rst", size) for size in range(4))
    for corrupt in map(set, sets):
        knows = pooled_knowledge(done, corrupt=corrupt) == done.key
        assert knows == done.exposed_to(corrupt) == ("t" in corrupt and bool(corrupt & {"r", "s"}))
    assert pools["r", "t"].bits_left == 1024
