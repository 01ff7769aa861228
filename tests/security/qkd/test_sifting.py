"""Whoever alters what is announced about bases and intensities is found out by the tags."""

import numpy as np
import pytest

from qfl.security.keys import Secret
from qfl.security.qkd.block import Block
from qfl.security.qkd.ekert import run_e91_session
from qfl.security.qkd.entangled import PairLink, PairProtocol, run_pair_session
from qfl.security.qkd.finite import FiniteProtocol
from qfl.security.qkd.line import End, PublicLine, TagKeys
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol, run_pulse_session, run_session
from qfl.security.qkd.sifted_block import run_sifted_block
from qfl.security.qkd.sifting import DROPPED, UNLIKE, Sifted, sift

ARM = FibreLink(length_km=5)
LIM = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2), key_basis=0.6)
SESSIONS = {
    "BB84": lambda rng, line: run_session(ARM, protocol=Protocol(), rng=rng, line=line),
    "six-state": lambda rng, line: run_session(ARM, protocol=Protocol(bases=3), rng=rng, line=line),
    "pulses": lambda rng, line: run_pulse_session(ARM, protocol=Protocol(), rng=rng, line=line),
    "BBM92": lambda rng, line: run_pair_session(
        PairLink(ARM, ARM, pairs=0.02), protocol=PairProtocol(), rng=rng, line=line
    ),
    "E91": lambda rng, line: run_e91_session(
        PairLink(ARM, ARM, pairs=0.02), protocol=PairProtocol(), rng=rng, line=line
    ),
    "block": lambda rng, line: run_sifted_block(
        FibreLink(length_km=2), block=Block(pulses=6 * 10**6, protocol=LIM), rng=rng, line=line
    ),
}


class Altering:
    """Alters the first bytes of one message and lets the others pass."""

    def __init__(self, which, value=7, size=1):
        self.which, self.value, self.size, self.heard = which, value, size, []

    def meddle(self, sender, message):
        self.heard.append((sender, len(message)))
        if len(self.heard) - 1 == self.which:
            return bytes([self.value]) * self.size + message[self.size :]
        return message


def tag_keys():
    material = np.random.default_rng(5).bytes(64)
    return TagKeys(Secret(material[:32]), Secret(material[32:]))


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_altered_announcements_end_the_session(name, which):
    """Bases, intensities, what Bob publishes: for one altered byte there is no key."""
    keys = tag_keys()
    meddler = Altering(which)
    line = PublicLine((keys, keys), meddler)
    session = SESSIONS[name](np.random.default_rng(1), line)
    assert session.keys is None
    assert session.aborted
    first = [End.ALICE, End.BOB] if name == "E91" else [End.BOB, End.ALICE]
    assert [sender for sender, _ in meddler.heard[:2]] == first


@pytest.mark.parametrize("name", SESSIONS)
def test_the_announcements_change_nothing_while_nobody_meddles(name):
    keys = tag_keys()
    free, tagged = (
        SESSIONS[name](np.random.default_rng(1), line)
        for line in (PublicLine(), PublicLine((keys, keys)))
    )
    assert free.keys[0] == free.keys[1] == tagged.keys[0]
    assert (free.authentication_bits, tagged.authentication_bits) == (0, 256)


def test_without_tags_dropped_pulses_are_noticed_by_their_number_alone():
    """She who makes Alice drop a pulse must make Bob drop it too, and on this line she can."""
    dropped = run_session(
        ARM, protocol=Protocol(), rng=np.random.default_rng(1), line=PublicLine(None, Altering(1))
    )
    assert dropped.aborted == UNLIKE
    both = run_session(
        ARM, protocol=Protocol(), rng=np.random.default_rng(1), line=PublicLine(None, Altering(0))
    )
    assert both.keys[0] == both.keys[1]


def test_both_ends_keep_equal_bases():
    rng = np.random.default_rng(0)
    alice, bob = rng.integers(0, 3, (2, 500), dtype=np.uint8)
    levels = rng.integers(0, 3, 500)
    found = sift(PublicLine(), alice_bases=alice, bob_bases=bob, intensities=levels)
    assert ((found.alice == DROPPED) == (alice != bob)).all()
    assert (found.alice == found.bob).all()
    assert found.alike
    assert not Sifted(found.alice, found.bob[::2]).alike
