"""Every attack works without its defence, and the table says so."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.security.attacks.rows import channel_rows, partial_interception_row

GRADUAL = "intercept-resend, a fifth of the pulses"
HOPELESS = "malicious relays on both paths"
ALL_OR_NOTHING = [
    "intercept-resend, every pulse",
    "photon-number splitting",
    "man in the middle",
    "replay",
    "reordering",
    "splicing",
    "pad reuse",
    "key exhaustion",
    "malicious relay",
    HOPELESS,
]


@pytest.fixture(scope="module")
def rows():
    return {row.attack: row for row in channel_rows(Streams(0), trials=8)}


def test_the_attacks_are_all_there(rows):
    assert sorted(rows) == sorted([*ALL_OR_NOTHING, GRADUAL])


@pytest.mark.parametrize("attack", ALL_OR_NOTHING)
def test_it_always_works_without_the_defence_and_never_with_it(rows, attack):
    row = rows[attack]
    assert row.without.value == 1.0
    expected = (1.0, "fails") if attack == HOPELESS else (0.0, "stopped")
    assert (row.defended.value, row.verdict) == expected


def test_amplification_leaves_a_coin_of_what_a_fifth_gave_away():
    """A fifth attacked: 55 % of 2,000 raw bits right, half of the final ones; 20 sessions,
    five standard errors, false alarm below 1e-6 each."""
    row = partial_interception_row(np.random.default_rng(1), 20)
    assert abs(row.without.value - 0.55) < 5 * 0.5 / np.sqrt(20 * 2000)
    assert abs(row.defended.value - 0.5) < 5 * 0.5 / np.sqrt(20 * 850)


def test_the_same_seed_gives_the_same_rows(rows):
    assert {row.attack: row for row in channel_rows(Streams(0), trials=8)} == rows


def test_one_attack_makes_no_interval():
    with pytest.raises(ConfigError, match="at least 2"):
        channel_rows(Streams(0), trials=1)
