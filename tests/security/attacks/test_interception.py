import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.qkd.states import random_states

N = 100_000
FIVE_SIGMA = 5 * np.sqrt(0.25 / N)  # false alarm below 1e-6 per assertion


@pytest.mark.parametrize(
    ("bases", "fraction", "added"),
    [(2, 0.2, 0.05), (2, 1.0, 0.25), (3, 0.2, 0.2 / 3), (3, 1.0, 1 / 3)],
)
def test_adds_a_quarter_of_the_fraction_or_a_third(bases, fraction, added):
    """BB84 and six-state; an experiment of 2002 measured 34.0 +- 1.4 % for the latter."""
    rng = np.random.default_rng(4)
    sent = random_states(N, bases=bases, rng=rng)
    attack = InterceptResend(fraction, bases)
    received = attack.intercept(sent, rng=rng).measure(sent.bases, rng=rng)
    assert attack.added_qber == pytest.approx(added, abs=1e-12)
    assert abs((received != sent.bits).mean() - added) < FIVE_SIGMA


def test_learns_at_most_half_of_what_she_attacks():
    """Full attack: she knows a bit when her basis was right, half of the time."""
    rng = np.random.default_rng(6)
    sent = random_states(N, rng=rng)
    resent = InterceptResend().intercept(sent, rng=rng)
    known = resent.bases == sent.bases
    assert (resent.bits[known] == sent.bits[known]).all()
    assert abs(known.mean() - 0.5) < FIVE_SIGMA


@pytest.mark.parametrize(("bits", "expected"), [(8, 0.8998870849609375), (32, 0.9998995475742793)])
def test_comparing_bits_reveals_her(bits, expected):
    """1 - (3/4)^k, over 20,000 groups of k compared bits: 5 standard errors, at most 0.011."""
    assert 1 - (1 - InterceptResend().added_qber) ** bits == pytest.approx(expected, abs=1e-12)
    rng = np.random.default_rng(7)
    sent = random_states(20_000 * bits, rng=rng)
    received = InterceptResend().intercept(sent, rng=rng).measure(sent.bases, rng=rng)
    caught = (received != sent.bits).reshape(-1, bits).any(axis=1).mean()
    assert abs(caught - expected) < 5 * np.sqrt(expected * (1 - expected) / 20_000) + 1e-9


def test_nobody_attacks_more_than_everything():
    with pytest.raises(ConfigError, match="from 0 to 1"):
        InterceptResend(1.1)
    with pytest.raises(ConfigError, match="six-state"):
        InterceptResend(0.5, bases=4)
