import numpy as np
import pytest

from qfl.core.envelope import SecurityLevel
from qfl.core.errors import QflError
from qfl.security import CHANNELS, HONESTY
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Plain, Sealed
from tests.security.sealing import UPDATE, connected, down, up


@pytest.mark.parametrize("name", ["plain", "sealed"])
def test_round_trip(name):
    channel = connected(CHANNELS.resolve(name)())
    for header in (down(), up(), up(sequence=1)):
        opened = channel.open(channel.seal(UPDATE, header))
        assert opened.payload == UPDATE.payload


def test_same_seed_same_bytes():
    first, second = (connected().seal(UPDATE, down()) for _ in range(2))
    assert first == second


def test_plain_exchanges_nothing():
    channel = connected(Plain())
    event = channel.exchange("client-00", round=1, rng=np.random.default_rng(0))
    assert (event.secret_bits, event.duration_seconds, event.aborted) == (0, 0.0, "")
    assert channel.key_bits_left("client-00") == channel.account().produced == 0
    assert channel.level is SecurityLevel.PLAIN


def test_lengths_are_drawn_within_the_range():
    links = Sealed(shortest_km=5, longest_km=6).links(
        [f"c{i}" for i in range(50)], rng=np.random.default_rng(0)
    )
    assert all(5 <= link.length_km <= 6 for link in links.values())
    assert len({link.length_km for link in links.values()}) == 50


@pytest.mark.parametrize(
    "options",
    [
        {"shortest_km": 30.0},
        {"pool_capacity_bits": 256},
        {"misalignment": 0.7},
        {"sifted_bits": 0},
        {"abort_qber": 2.0},
        {"cascade": "biconff"},
        {"level": "L5"},
        {"level": "L2", "minimum_level": "L3"},
        {"cipher": "rot13"},
    ],
)
def test_bad_options_are_refused_when_configured(options):
    with pytest.raises(QflError):
        Sealed(**options)


def test_honesty_names_what_is_missing():
    assert "no real-world secrecy" in HONESTY
    assert "pseudo-random" in HONESTY


def test_blocks_fill_pools_with_megabits_and_notice_an_eavesdropper():
    options = Sealed(level="L4", minimum_level="L4", block_pulses=10**9, pool_capacity_bits=10**6)
    links = options.links(["client-00"], rng=np.random.default_rng(0))
    channel = options.connect(links, run="cell")
    good = channel.exchange("client-00", round=1, rng=np.random.default_rng(1))
    assert not good.aborted
    assert 10**6 - 2048 < good.key_bits_left <= 10**6
    tapped = channel.exchange(
        "client-00", round=2, rng=np.random.default_rng(2), eavesdropper=InterceptResend()
    )
    assert tapped.aborted.startswith("QBER 0.2")
    assert tapped.secret_bits == 0
