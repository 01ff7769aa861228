"""The ladder never steps down silently, and no level accepts what it did not seal."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header, SecurityLevel
from qfl.core.errors import ConfigError, KeyExhaustedError, SessionAbortedError, TamperedError
from qfl.core.update import Update
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Sealed
from qfl.security.ladder import rungs
from qfl.study import Study, run

ROOT = Path(__file__).parents[2]

LEVELS = ["L4", "L3", "L2", "L1"]
SMALL = Update({"head": {"b": np.ones(2, np.float32)}}, {"head": 3})
PAD = 8 * SMALL.payload_bytes + 256  # key bits of one message at L4
TAGS, KEPT = 256, 256  # what a session sets aside for the next one, and for L2


def connected(level: str, minimum: str, *, sessions: int = 1, **options):
    config = Sealed(
        level=level,
        minimum_level=minimum,
        sifted_bits=12_000,
        shortest_km=5,
        longest_km=5,
        **options,
    )
    rng = np.random.default_rng(1)
    channel = config.connect(config.links(["c"], rng=rng), run="cell")
    for index in range(sessions):
        assert not channel.exchange("c", round=index, rng=rng).aborted
    return channel


def down(round: int = 1, **changes) -> Header:
    header = Header("cell", round, "server", "c", Direction.DOWN, SMALL.schema)
    return replace(header, **changes)


def up(round: int = 1) -> Header:
    return Header("cell", round, "c", "server", Direction.UP, SMALL.schema)


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "chacha20-poly1305"])
@pytest.mark.parametrize("level", LEVELS)
def test_round_trip_in_both_directions(level, cipher):
    channel = connected(level, level, cipher=cipher)
    for header in (down(), up(), down(2)):
        envelope = channel.seal(SMALL, header)
        assert envelope.level.value == level
        assert bytes(SMALL.payload) not in bytes(envelope.ciphertext)
        assert channel.open(envelope).payload == SMALL.payload
    assert channel.level.value == level


@pytest.mark.parametrize(
    ("level", "key_bits"),
    [("L4", PAD), ("L3", 256), ("L2", 0), ("L1", 0)],
)
def test_what_a_message_costs(level, key_bits):
    channel = connected(level, level)
    before = channel.key_bits_left("c")
    envelope = channel.seal(SMALL, down())
    assert envelope.key_bits == key_bits == before - channel.key_bits_left("c")


@pytest.mark.parametrize("level", LEVELS)
def test_replay_dies_at_every_level(level):
    channel = connected(level, level)
    envelope = channel.seal(SMALL, down())
    channel.open(envelope)
    for again in (envelope, replace(envelope, header=replace(envelope.header, round=2))):
        with pytest.raises(TamperedError):
            channel.open(again)


CHANGES = {
    "run": "other",
    "round": 2,
    "sender": "d",
    "receiver": "d",
    "direction": Direction.UP,
    "schema": "0" * 64,
    "key_id": "another",
    "sequence": 7,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Header)])
@pytest.mark.parametrize("level", LEVELS)
def test_every_header_field_is_bound_at_every_level(level, name):
    channel = connected(level, level)
    envelope = channel.seal(SMALL, down())
    changed = replace(envelope.header, **{name: CHANGES[name]})
    with pytest.raises(TamperedError):
        channel.open(replace(envelope, header=changed))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("length", [0, 10, 1100, 4000])
def test_truncation_is_tampering_at_every_level(level, length):
    channel = connected(level, level)
    envelope = channel.seal(SMALL, down())
    cut = envelope.ciphertext[: min(length, len(envelope.ciphertext) - 1)]
    with pytest.raises(TamperedError):
        channel.open(replace(envelope, ciphertext=cut))


@pytest.mark.parametrize("level", LEVELS[1:])
def test_a_foreign_nonce_is_tampering(level):
    channel = connected(level, level)
    envelope = channel.seal(SMALL, down())
    with pytest.raises(TamperedError, match="nonce"):
        channel.open(replace(envelope, nonce=bytes(12)))


def test_relabelling_to_a_weaker_level_is_tampering():
    channel = connected("L3", "L1")
    for round, claimed in enumerate(("L2", "L1"), start=1):
        envelope = channel.seal(SMALL, down(round))
        with pytest.raises(TamperedError):
            channel.open(replace(envelope, level=SecurityLevel(claimed)))


def test_steps_down_only_when_key_runs_short_and_says_so():
    channel = connected("L4", "L2", pool_capacity_bits=TAGS + KEPT + PAD + 256)
    seen = [channel.seal(SMALL, down(round)).level.value for round in (1, 2, 3)]
    assert seen == ["L4", "L3", "L2"]
    assert channel.level is SecurityLevel.HYBRID


def test_the_minimum_is_kept():
    channel = connected("L4", "L3", pool_capacity_bits=TAGS + 512)
    channel.seal(SMALL, down(1))
    channel.seal(SMALL, down(2))
    with pytest.raises(KeyExhaustedError, match="nothing was spent"):
        channel.seal(SMALL, down(3))


def test_the_record_names_the_weakest_level_of_the_round():
    channel = connected("L4", "L1", pool_capacity_bits=TAGS + KEPT + PAD)
    channel.seal(SMALL, down(1))
    assert channel.level is SecurityLevel.ONE_TIME_PAD
    channel.seal(SMALL, up(1))
    assert channel.level is SecurityLevel.HYBRID
    channel.exchange("c", round=2, rng=np.random.default_rng(0))
    channel.seal(SMALL, down(2))
    assert channel.level is SecurityLevel.ONE_TIME_PAD


def test_after_an_aborted_session_no_qkd_key_is_used():
    for minimum, allowed in (("L2", False), ("L1", True)):
        channel = connected("L3", minimum, sessions=2)
        rng = np.random.default_rng(0)
        assert channel.exchange("c", round=5, rng=rng, eavesdropper=InterceptResend()).aborted
        if allowed:
            assert channel.seal(SMALL, down(5)).level is SecurityLevel.KEM_ONLY
        else:
            with pytest.raises(SessionAbortedError):
                channel.seal(SMALL, down(5))


def test_hybrid_needs_a_first_qkd_key():
    channel = connected("L2", "L2", sessions=0)
    with pytest.raises(KeyExhaustedError, match="run a key exchange"):
        channel.seal(SMALL, down())


def test_the_key_that_hybrids_keep_is_accounted_for_once():
    channel = connected("L2", "L2", sessions=0)
    rng = np.random.default_rng(0)
    events = [channel.exchange("c", round=number, rng=rng) for number in (1, 2)]
    assert [event.key_bits_kept for event in events] == [256, 0]
    produced = sum(event.secret_bits for event in events)
    assert produced - 256 == events[1].key_bits_left == channel.key_bits_left("c")


def test_rungs():
    assert [level.value for level in rungs("L4", "L1")] == LEVELS
    with pytest.raises(ConfigError, match="above"):
        rungs("L1", "L2")
    with pytest.raises(ConfigError, match="L4, L3, L2, L1"):
        rungs("plain", "L1")


@pytest.mark.parametrize(("minimum", "levels", "delivered"), [("L3", {"L3"}, 2), ("L4", {"L0"}, 0)])
def test_the_record_of_every_round_states_its_level(tmp_path, minimum, levels, delivered):
    """Whole models are too long for the pads of short sessions: a step down that is allowed shows
    in every record, and one that is not sends nothing and says so."""
    study = Study.load(ROOT / "studies/selection.toml").with_overrides(
        None,
        {
            "seeds": 1,
            "federation.rounds": 2,
            "federation.epochs": 1,
            "federation.eavesdropped_round": 0,
            "channel.level": "L4",
            "channel.minimum_level": minimum,
            "methods": [{"label": "random", "solver": "random"}],
            "headline.method": "random",
        },
    )
    list(run(study, out=tmp_path))
    [cell] = map(json.loads, (tmp_path / "cells.jsonl").read_text().splitlines())
    rounds = [record for record in cell["rounds"] if record["round"]]
    assert {record["level"] for record in rounds} == levels
    assert [bool(record["delivered"]) for record in rounds] == [bool(delivered)] * 2
