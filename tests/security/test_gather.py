"""One envelope per client: what is opened is what was sent, and who cannot pay stays out alone."""

from collections import Counter

import numpy as np
import pytest

from qfl.core.envelope import Direction
from qfl.core.gather import Answer
from qfl.core.update import Update
from qfl.security.channel import Plain, Sealed
from qfl.security.gather import OneByOne, carry

NAMES = ("client-00", "client-01", "client-02")


def update(module="head:digit", value=1.0):
    return Update({module: {"bias": np.full(3, value, np.float32)}}, {module: 10})


def connected(config, exchanging=NAMES):
    rng = np.random.default_rng(0)
    channel = config.connect(config.links(list(NAMES), rng=rng), run="cell")
    for name in exchanging:
        channel.exchange(name, round=1, rng=rng)
    return channel


def gathered(channel, answers):
    rng = np.random.default_rng(1)
    return OneByOne(channel, run="cell").gather(answers, round=1, rng=rng)


@pytest.mark.parametrize("config", [Plain(), Sealed()], ids=["plain", "sealed"])
def test_every_update_arrives_as_it_was_sent_and_is_on_the_bill(config):
    modules = ("head:digit", "head:slant", "head:digit")
    answers = [
        Answer(name, update(), update(module, value=i))
        for i, (name, module) in enumerate(zip(NAMES, modules, strict=True))
    ]
    home = gathered(connected(config), answers)
    assert [u.payload for u in home.updates] == [answer.update.payload for answer in answers]
    assert home.holders == Counter(modules)
    for answer in answers:
        arrival = home.arrivals[answer.client]
        assert arrival.arrived
        assert arrival.modules == frozenset(answer.update.modules)
        assert arrival.wire_bytes > answer.update.payload_bytes
        assert (arrival.key_bits > 0) is isinstance(config, Sealed)


def test_who_is_out_of_key_is_refused_and_the_others_arrive():
    answers = [Answer(name, update(), update(value=i)) for i, name in enumerate(NAMES)]
    home = gathered(connected(Sealed(), exchanging=NAMES[1:]), answers)
    assert not home.arrivals[NAMES[0]].arrived
    assert "key" in home.arrivals[NAMES[0]].refused
    assert home.arrivals[NAMES[0]].wire_bytes == home.arrivals[NAMES[0]].key_bits == 0
    assert len(home.updates) == 2


@pytest.mark.parametrize(
    ("sender", "receiver", "direction"),
    [("server", "client-00", Direction.DOWN), ("client-00", "server", Direction.UP)],
)
def test_a_header_says_which_way_and_what_form(sender, receiver, direction):
    sent = update()
    where = {"run": "cell", "round": 1, "sender": sender, "receiver": receiver}
    envelope, opened = carry(connected(Plain()), sent, **where)
    assert envelope.header.direction is direction
    assert envelope.header.schema == sent.schema == opened.schema
