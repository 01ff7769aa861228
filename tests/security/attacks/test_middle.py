"""Without a shared secret she owns both keys; with one she is found out, whatever she says."""

import numpy as np

from qfl.security.attacks.middle import impersonate
from qfl.security.keys import Secret
from qfl.security.primitives.aead import open_bytes, seal_bytes
from qfl.security.qkd.line import TagKeys
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol

LINK = FibreLink(length_km=10)


def aes_key(secret):
    return Secret(secret.reveal()[:32])


def test_without_authentication_she_reads_and_rewrites():
    attack = impersonate(LINK, protocol=Protocol(), rng=np.random.default_rng(0))
    alice, for_alice, for_bob, bob = map(aes_key, attack.keys)
    assert max(attack.near.qber, attack.far.qber) < 0.05
    sent = seal_bytes(alice, b"honest update", associated_data=b"h", lane=1)
    assert open_bytes(for_alice, sent, associated_data=b"h", lane=1) == b"honest update"
    forged = seal_bytes(for_bob, b"poisoned update", associated_data=b"h", lane=1)
    assert open_bytes(bob, forged, associated_data=b"h", lane=1) == b"poisoned update"


def test_with_tags_both_sessions_abort():
    """Ten sessions; a guessed 128-bit pad passes with 2^-128."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        tag_keys = TagKeys(Secret(rng.bytes(32)), Secret(rng.bytes(32)))
        attack = impersonate(LINK, protocol=Protocol(), rng=rng, tag_keys=tag_keys)
        assert attack.keys is None
        assert "authenticate" in attack.near.aborted
        assert "authenticate" in attack.far.aborted
        assert attack.near.qber < 0.05
