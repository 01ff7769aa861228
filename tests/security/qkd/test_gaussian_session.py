"""GG02 sampled: two equal keys of an honest length, or the reason for none."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.keys.secret import Secret
from qfl.security.qkd.continuous import GaussianLink, gaussian_key
from qfl.security.qkd.gaussian_session import GaussianProtocol, run_gaussian_session
from qfl.security.qkd.line import PublicLine, TagKeys

NEAR = GaussianLink(modulation_variance=20.0, transmittance=0.95, excess_noise=0.005)
SHORT = GaussianProtocol(pulses=1 << 18, frame_bits=1 << 12)


def played(link=NEAR, protocol=SHORT, *, seed=0, **options):
    return run_gaussian_session(link, protocol=protocol, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("seed", range(4))
def test_both_ends_have_the_same_key_of_an_honest_length(seed):
    """Below beta I - chi of the closed form at the efficiency that was reached."""
    found = played(seed=seed)
    session, n = found.session, SHORT.key_values
    assert not session.aborted
    assert session.keys[0] == session.keys[1]
    assert 0.6 < found.efficiency < 0.8
    assert 0 < found.frame_errors < 0.3
    asymptotic = gaussian_key(replace(NEAR, reconciliation_efficiency=found.efficiency)).rate
    assert 0 < session.secret_bits < n * asymptotic
    assert session.sifted_bits == 4 * n
    assert session.sampled_bits == SHORT.pulses - n
    assert session.duration_seconds == pytest.approx(SHORT.pulses / 1e8)
    assert (session.qber, session.chsh) == (None, None)
    assert repr(found).count("Secret") == 0


def test_equal_seeds_give_equal_sessions():
    one, again, other = (played(seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert one.session.keys[0] != other.session.keys[0]


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (replace(NEAR, transmittance=0.2, modulation_variance=4.0), "no secret bits"),
        (replace(NEAR, excess_noise=0.5), "no secret bits"),
        (replace(NEAR, transmittance=1e-9), "anything arrives"),
    ],
)
def test_links_without_a_key_say_why(link, reason):
    found = played(link)
    assert found.session.keys is None
    assert reason in found.session.aborted


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_an_eavesdropper_who_measures_is_seen_and_gets_no_key(share):
    """She adds two units of excess noise per pulse that she touches."""
    found = played(intercepted=share)
    assert found.session.keys is None
    assert found.excess_noise == pytest.approx(0.005 + 2 * share, abs=0.1 * (1 + share))
    with pytest.raises(ConfigError, match="intercepted"):
        played(intercepted=1.5)


class Flipper:
    """Alters one message of a session."""

    def __init__(self, number):
        self.left = number

    def meddle(self, sender, message):
        self.left -= 1
        return bytes([message[0] ^ 1]) + message[1:] if self.left == 0 and message else message


def tagged(meddler):
    keys = TagKeys(Secret(bytes(range(32))), Secret(bytes(range(32, 64))))
    return PublicLine((keys, keys), meddler)


def test_no_altered_message_leaves_a_key():
    """Published values, the codes, every frozen part, hash and answer, seeds and tags."""
    link = replace(NEAR, transmittance=1.0, excess_noise=0.0)
    small = GaussianProtocol(pulses=1 << 17, frame_bits=1 << 11, slices=3, secrecy=1e-6)
    heard = Flipper(0)
    assert played(link, small, line=tagged(heard)).session.keys is not None
    said = -heard.left
    assert said > 15
    for number in range(1, said + 1):
        assert played(link, small, line=tagged(Flipper(number))).session.keys is None


def test_tags_are_paid_for():
    found = played(line=tagged(None))
    assert found.session.keys is not None
    assert found.session.authentication_bits == 256


@pytest.mark.parametrize(
    "options",
    [
        {"frame_bits": 1000},
        {"pulses": 1 << 12},
        {"slices": 0},
        {"secrecy": 1.0},
        {"pulse_rate_hz": 0.0},
    ],
)
def test_bad_protocols(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        replace(SHORT, **options)
