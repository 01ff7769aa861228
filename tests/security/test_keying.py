"""Keys over one fibre or through trusted nodes, and the record of whom they trust."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header
from qfl.core.errors import ConfigError, SessionAbortedError
from qfl.core.events import LinkEvent
from qfl.core.update import Update
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Sealed
from qfl.security.keying import ViaRelays
from qfl.security.keys import KeyPool
from qfl.security.keys.relay import relay_cost
from qfl.security.qkd.link import FreeSpaceLink
from qfl.security.qkd.session import Protocol

UPDATE = Update({"head": {"b": np.arange(4, dtype=np.float32)}}, {"head": 3})


def connected(**options):
    rng = np.random.default_rng(5)
    config = Sealed(**{"shortest_km": 60.0, "longest_km": 60.0, **options})
    return config.connect(config.links(["c"], rng=rng), run="cell"), rng


@pytest.mark.parametrize(
    ("options", "trusted"),
    [
        ({}, ()),
        ({"relays": 2}, (("c/route-1/node-1", "c/route-1/node-2"),)),
        ({"relays": 1, "routes": 2}, (("c/route-1/node-1",), ("c/route-2/node-1",))),
    ],
    ids=["none", "in a row", "side by side"],
)
def test_the_record_names_who_must_be_trusted(options, trusted):
    channel, rng = connected(**options)
    event = channel.exchange("c", round=1, rng=rng)
    assert not event.aborted
    assert event.trusted == trusted
    assert LinkEvent(**json.loads(json.dumps(asdict(event)))) == event


@pytest.mark.parametrize("options", [{"relays": 2}, {"relays": 1, "routes": 2}])
def test_messages_are_sealed_with_relayed_keys_and_every_hop_pays(options):
    channel, rng = connected(**options)
    event = channel.exchange("c", round=1, rng=rng)
    hops = (options["relays"] + 1) * options.get("routes", 1)
    account = channel.account()
    tags = 256 * hops
    assert account.consumed == relay_cost(hops, key_bits=event.secret_bits) + tags
    header = Header("cell", 1, "server", "c", Direction.DOWN, UPDATE.schema)
    assert channel.open(channel.seal(UPDATE, header)).payload == UPDATE.payload


def test_relays_reach_where_one_fibre_does_not():
    far = {"shortest_km": 240.0, "longest_km": 240.0, "sifted_bits": 20_000}
    for relays, reached in ((0, False), (3, True)):
        channel, rng = connected(**far, relays=relays)
        event = channel.exchange("c", round=1, rng=rng)
        assert bool(event.secret_bits) == reached == (not event.aborted)


def test_one_spied_hop_stops_the_exchange():
    channel, rng = connected(relays=1, routes=2)
    left = channel.exchange("c", round=1, rng=rng).key_bits_left
    event = channel.exchange("c", round=2, rng=rng, eavesdropper=InterceptResend())
    assert "QBER" in event.aborted
    assert (event.secret_bits, event.key_bits_left) == (0, left)
    header = Header("cell", 2, "server", "c", Direction.DOWN, UPDATE.schema)
    with pytest.raises(SessionAbortedError):
        channel.seal(UPDATE, header)
    assert channel.exchange("c", round=3, rng=rng).secret_bits > 0
    channel.seal(UPDATE, replace(header, round=3))


def test_impossible_routes():
    for options in ({"relays": -1}, {"routes": 0}, {"relays": 0, "routes": 2}):
        with pytest.raises(ConfigError, match="routes of"):
            Sealed(**options)
    pool = KeyPool(("server", "c"), run="cell", capacity_bits=4096)
    with pytest.raises(ConfigError, match="allowed: FibreLink"):
        ViaRelays(
            pool, FreeSpaceLink(distance_km=500.0), Protocol(), relays=1, routes=1, run="cell"
        )
