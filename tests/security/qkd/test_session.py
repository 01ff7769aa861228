from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.keys import Secret
from qfl.security.qkd.decoy import Gains, error_gain, gain
from qfl.security.qkd.distil import Processing
from qfl.security.qkd.ekert import run_e91_session
from qfl.security.qkd.entangled import PairLink, PairProtocol, run_pair_session
from qfl.security.qkd.line import PublicLine, TagKeys
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol, run_session, secret_length

LINK = FibreLink(length_km=15)
PROTOCOL = Protocol()


def test_same_seed_same_session():
    first, second = (
        run_session(LINK, protocol=PROTOCOL, rng=np.random.default_rng(9)) for _ in range(2)
    )
    assert first == second
    assert first.keys == second.keys


def test_default_session_keys_both_directions():
    """5 % of the sessions yield less than 950 bits, 0.1 % less than 512 (measured)."""
    rng = np.random.default_rng(1)
    sessions = [run_session(LINK, protocol=PROTOCOL, rng=rng) for _ in range(100)]
    assert sum(session.secret_bits >= 512 for session in sessions) >= 98
    assert sessions[0].duration_seconds == sessions[0].pulses / LINK.pulse_rate_hz


def random_session(rng, index):
    """Return a small session of any protocol, over a good or bad link, attacked or not."""
    processing = Processing(variant=("original", "opt3", "biconf")[index % 3])
    bits = int(rng.integers(150, 600))
    link = replace(LINK, misalignment=0.04 * rng.random() ** 2, length_km=5 * (index % 11))
    attack = InterceptResend(0.3 * rng.random()) if index % 2 else None
    if index % 5 > 2:
        pairs = PairLink(link, link, pairs=0.02)
        protocol = PairProtocol(sifted_bits=bits, processing=processing)
        run = run_pair_session if index % 5 == 3 else run_e91_session
        return run(pairs, protocol=protocol, rng=rng, eavesdropper=attack)
    protocol = Protocol(sifted_bits=bits, bases=2 + index % 2, processing=processing)
    return run_session(link, protocol=protocol, rng=rng, eavesdropper=attack)


@pytest.mark.slow
def test_keys_are_equal_or_the_session_says_why_not():
    """10^4 sessions. Unequal keys pass verification with probability 1e-15 each."""
    rng = np.random.default_rng(2)
    with_key = 0
    for index in range(10_000):
        session = random_session(rng, index)
        if session.keys is None:
            assert session.aborted
            assert session.secret_bits == 0
        else:
            assert not session.aborted
            assert session.keys[0] == session.keys[1]
            assert session.keys[0].bits == session.secret_bits > 0
            with_key += 1
    assert 2000 < with_key < 8000


def test_qber_is_what_the_link_predicts():
    """100 sessions sample 30,000 bits; five standard errors: false alarm below 1e-6."""
    expected = error_gain(LINK, 0.48) / gain(LINK, 0.48)
    rng = np.random.default_rng(3)
    sessions = [run_session(LINK, protocol=PROTOCOL, rng=rng) for _ in range(100)]
    sampled = sum(s.sampled_bits for s in sessions)
    seen = sum(s.qber * s.sampled_bits for s in sessions)
    assert abs(seen / sampled - expected) < 5 * np.sqrt(expected * (1 - expected) / sampled)


@pytest.mark.parametrize("fraction", [0.1, 1.0])
def test_interception_adds_a_quarter_of_its_fraction(fraction):
    """The misaligned part of the attacked bits was random anyway: f/4 (1 - 2 e_d)."""
    base = error_gain(LINK, 0.48) / gain(LINK, 0.48)
    expected = base + fraction / 4 * (1 - 2 * LINK.misalignment)
    rng = np.random.default_rng(4)
    attack = InterceptResend(fraction)
    sessions = [
        run_session(LINK, protocol=PROTOCOL, rng=rng, eavesdropper=attack) for _ in range(60)
    ]
    sampled = sum(s.sampled_bits for s in sessions)
    seen = sum(s.qber * s.sampled_bits for s in sessions)
    background = LINK.dark_count_probability / gain(LINK, 0.48)
    slack = 5 * np.sqrt(expected * (1 - expected) / sampled) + fraction / 4 * background
    assert abs(seen / sampled - expected) < slack


def test_full_interception_always_aborts():
    """A sample of 300 bits at 25 % shows at most 8 % with probability below 1e-13."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        session = run_session(LINK, protocol=PROTOCOL, rng=rng, eavesdropper=InterceptResend())
        assert "QBER" in session.aborted
        assert session.keys is None


def test_partial_interception_costs_key():
    rng = np.random.default_rng(6)
    lengths = [
        np.mean(
            [
                run_session(
                    LINK, protocol=PROTOCOL, rng=rng, eavesdropper=InterceptResend(f)
                ).secret_bits
                for _ in range(30)
            ]
        )
        for f in (0.0, 0.05, 0.1)
    ]
    assert lengths[0] > lengths[1] > lengths[2]


def test_secret_length_pays_for_every_disclosed_bit():
    gains = Gains(0.05, 0.016, 1e-6, 5e-4, 1.6e-4)
    free = secret_length(2700, gains, PROTOCOL, 0)
    assert free - secret_length(2700, gains, PROTOCOL, 304) == 304
    assert secret_length(2700, gains, PROTOCOL, 10_000) == 0
    assert free % 8 == 0


def test_errors_shorten_the_key_even_if_the_decoys_show_none():
    clean = Gains(0.05, 0.016, 0.0, 5e-4, 0.0)
    noisy = replace(clean, signal_errors=2e-3)
    assert secret_length(2700, noisy, PROTOCOL, 0) < secret_length(2700, clean, PROTOCOL, 0)


def test_a_session_without_enough_bits_aborts():
    session = run_session(LINK, protocol=Protocol(sifted_bits=1), rng=np.random.default_rng(7))
    assert session.aborted


def test_a_session_never_shows_its_key():
    session = run_session(LINK, protocol=PROTOCOL, rng=np.random.default_rng(8))
    material = session.keys[0].reveal()
    assert material.hex() not in repr(session)
    assert repr(material) not in repr(session)


@pytest.mark.parametrize(
    "options",
    [
        {"sifted_bits": 0},
        {"weak_share": 0.0},
        {"weak_share": 0.9, "vacuum_share": 0.1},
        {"bases": 4},
    ],
)
def test_senseless_settings_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        Protocol(**options)


def test_dead_link_is_refused():
    dead = FibreLink(length_km=10, detector_efficiency=0.0, dark_count_probability=0.0)
    with pytest.raises(ConfigError, match="never clicks"):
        run_session(dead, protocol=PROTOCOL, rng=np.random.default_rng(0))


def test_six_state_shows_a_third_and_pays_less_for_it():
    """Interception of a fraction p adds p/3; five standard errors over 18,000 bits."""
    rng = np.random.default_rng(10)
    protocol = replace(PROTOCOL, bases=3)
    attack = InterceptResend(0.12, bases=3)
    sessions = [
        run_session(LINK, protocol=protocol, rng=rng, eavesdropper=attack) for _ in range(60)
    ]
    expected = error_gain(LINK, 0.48) / gain(LINK, 0.48)
    expected += attack.added_qber * (1 - 2 * LINK.misalignment)
    sampled = sum(s.sampled_bits for s in sessions)
    seen = sum(s.qber * s.sampled_bits for s in sessions)
    assert attack.added_qber == pytest.approx(0.04, abs=1e-12)
    assert abs(seen / sampled - expected) < 5 * np.sqrt(expected * (1 - expected) / sampled) + 1e-4
    gains = Gains(0.05, 0.016, 1e-6, 2.5e-3, 8e-4)
    assert secret_length(2700, gains, protocol, 0) > secret_length(2700, gains, PROTOCOL, 0)


def test_a_man_in_the_middle_wins_without_tags_and_loses_with_them():
    """She runs one session with either end and shares a key with both, unless they can tag."""
    rng = np.random.default_rng(11)
    ends = [run_session(LINK, protocol=PROTOCOL, rng=rng) for _ in ("alice", "bob")]
    assert all(session.keys for session in ends)
    honest, guessed = (
        TagKeys(Secret(rng.bytes(32)), Secret(rng.bytes(32))) for _ in ("shared", "hers")
    )
    for keys in ((honest, guessed), (guessed, honest)):
        session = run_session(LINK, protocol=PROTOCOL, rng=rng, line=PublicLine(keys))
        assert "authenticate" in session.aborted
        assert session.authentication_bits == 256
