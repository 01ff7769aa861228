"""E91 sessions: the CHSH value that is estimated is that of the link, and it prices the key."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.qkd import STEEP, TILTED
from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.qkd.distil import Processing
from qfl.security.qkd.ekert import Pairs, draw_bases, run_e91_session
from qfl.security.qkd.entangled import PairLink, PairProtocol, e91_pulse_rate
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.rates import binary_entropy, chsh_value, e91_rate
from qfl.security.qkd.states import States, correlation, random_states

ARM = FibreLink(length_km=5)
LINK = PairLink(ARM, ARM, pairs=0.02)
PROTOCOL = PairProtocol()


def standard_error(sifted):
    """Of S, from four correlators of magnitude 1/sqrt 2 over half as many pairs as are sifted."""
    return 2 * np.sqrt(0.5 / (sifted / 2))


def test_malus():
    """Readings agree as cos^2 of the angle, five standard errors over 10^5 photons."""
    rng = np.random.default_rng(1)
    sent = random_states(100_000, rng=rng)
    for basis in (TILTED, STEEP):
        seen = sent.measure(np.full(100_000, basis, np.uint8), rng=rng)
        for own in (0, 1):
            here = sent.bases == own
            expected = (1 + correlation(own, basis)) / 2
            share = (seen == sent.bits)[here].mean()
            assert abs(share - expected) < 5 * np.sqrt(0.25 / here.sum())
    tilted = States(sent.bits, np.full(100_000, TILTED, np.uint8))
    assert (tilted.measure(tilted.bases, rng=rng) == sent.bits).all()


def test_the_estimate_is_the_closed_form():
    """S = 2 sqrt2 (1 - 2Q); five standard errors over one long session."""
    found = run_e91_session(
        LINK, protocol=PairProtocol(sifted_bits=40_000), rng=np.random.default_rng(2)
    )
    assert abs(found.chsh - chsh_value(LINK.qber)) < 5 * standard_error(40_000)
    assert found.keys[0] == found.keys[1]
    sampled = found.sampled_bits / found.sifted_bits
    most = found.sifted_bits * (1 - sampled) * e91_rate(LINK.qber)
    assert 0.9 * most < found.secret_bits + 100 < 1.1 * most


def test_a_session_s_rate_is_the_closed_form():
    """Per pulse and apart from what was sampled for the error rate; a long session, within 4 %."""
    done = run_e91_session(
        LINK, protocol=PairProtocol(sifted_bits=200_000), rng=np.random.default_rng(4)
    )
    kept = done.sifted_bits - done.sampled_bits
    efficiency = done.disclosed_bits / (kept * binary_entropy(done.qber))
    arms = (replace(a, error_correction_efficiency=efficiency) for a in (LINK.left, LINK.right))
    expected = e91_pulse_rate(replace(LINK, **dict(zip(("left", "right"), arms, strict=True))))
    found = done.secret_bits / done.pulses * done.sifted_bits / kept
    assert found == pytest.approx(expected, rel=0.04)


def test_interception_leaves_no_violation():
    """Reading every photon at 0 or 45 degrees halves every correlator: S = sqrt2 (1 - 2Q)."""
    found = run_e91_session(
        LINK, protocol=PROTOCOL, rng=np.random.default_rng(3), eavesdropper=InterceptResend()
    )
    assert "no violation" in found.aborted
    assert abs(found.chsh - chsh_value(LINK.qber) / 2) < 5 * 2 * standard_error(3000)


def test_partial_interception_costs_key():
    lengths = [
        np.mean(
            [
                run_e91_session(
                    LINK,
                    protocol=PROTOCOL,
                    rng=np.random.default_rng(seed),
                    eavesdropper=InterceptResend(fraction),
                ).secret_bits
                for seed in range(10)
            ]
        )
        for fraction in (0.0, 0.04, 0.08)
    ]
    assert lengths[0] > lengths[1] > lengths[2] >= 0


def test_keys_are_equal_or_the_session_says_why_not():
    rng = np.random.default_rng(4)
    protocol = PairProtocol(sifted_bits=1000, processing=Processing(variant="original"))
    outcomes = set()
    for index in range(60):
        attack = InterceptResend(0.05 * (index % 4))
        found = run_e91_session(LINK, protocol=protocol, rng=rng, eavesdropper=attack)
        if found.keys:
            assert found.keys[0] == found.keys[1]
        else:
            assert found.aborted
        outcomes.add(bool(found.keys))
    assert outcomes == {True, False}


def test_the_published_outcomes_are_what_alice_hears():
    class Lies:
        """Alters what Bob says first: his outcomes of the CHSH test."""

        first = True

        def meddle(self, sender: End, message: bytes) -> bytes:
            if sender is End.BOB and self.first:
                self.first = False
                return bytes(byte ^ 1 for byte in message)
            return message

    found = run_e91_session(
        LINK, protocol=PROTOCOL, rng=np.random.default_rng(5), line=PublicLine(None, Lies())
    )
    assert found.chsh < -2
    assert "no violation" in found.aborted


def test_too_few_pairs():
    found = run_e91_session(
        LINK, protocol=PairProtocol(sifted_bits=1), rng=np.random.default_rng(6)
    )
    assert "too few pairs" in found.aborted
    empty = np.zeros(0, np.uint8)
    assert Pairs(empty, empty, empty, empty).qber is None
    dead = FibreLink(length_km=0, detector_efficiency=0.0, dark_count_probability=0.0)
    with pytest.raises(ConfigError, match="both ends"):
        run_e91_session(PairLink(dead, dead), protocol=PROTOCOL, rng=np.random.default_rng(0))


def test_two_ninths_are_sifted_and_four_tested():
    alice, bob = draw_bases(90_000, rng=np.random.default_rng(7))
    nothing = np.zeros(90_000, np.uint8)
    pairs = Pairs(nothing, nothing, alice, bob)
    for share, expected in ((pairs.sifted.mean(), 2 / 9), (pairs.tested.mean(), 4 / 9)):
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 90_000)
    assert pairs.chsh == 2.0
