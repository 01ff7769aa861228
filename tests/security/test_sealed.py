"""A sealed channel fails closed: what is replayed, moved, changed or unpaid does not open."""

import traceback
from dataclasses import fields, replace

import numpy as np
import pytest

from qfl.core.envelope import Direction, Header, SecurityLevel
from qfl.core.errors import (
    ConfigError,
    KeyExhaustedError,
    QflError,
    SessionAbortedError,
    TamperedError,
)
from qfl.security.attacks.interception import InterceptResend
from qfl.security.channel import Sealed
from qfl.security.keys import verify_chain
from tests.security.sealing import CLIENTS, UPDATE, connected, down, up


def test_one_session_keys_both_directions_of_a_round():
    channel = connected()
    before, delivered = channel.key_bits_left("client-00"), channel.account().delivered
    channel.seal(UPDATE, down())
    channel.seal(UPDATE, up())
    assert before - channel.key_bits_left("client-00") == 512
    assert channel.account().delivered - delivered == 512


def test_envelope_names_its_level_and_key_and_hides_the_rest():
    envelope = connected().seal(UPDATE, down())
    assert envelope.level is SecurityLevel.QKD_AEAD
    assert envelope.header.key_id
    assert envelope.key_bits == 256
    assert bytes(UPDATE.payload[:32]) not in bytes(envelope.ciphertext)
    assert envelope.wire_bytes > UPDATE.payload_bytes + 16 + 12


def test_replay_dies():
    channel = connected()
    envelope = channel.seal(UPDATE, down())
    channel.open(envelope)
    with pytest.raises(TamperedError):
        channel.open(envelope)


def test_reordering_dies():
    channel = connected(sessions=2)
    first, second = channel.seal(UPDATE, up()), channel.seal(UPDATE, up(sequence=1))
    channel.open(second)
    with pytest.raises(TamperedError, match="replayed or reordered"):
        channel.open(first)


def test_a_genuine_envelope_of_an_earlier_round_comes_too_late():
    """Held back by somebody and delivered first, at a level whose keys stay valid."""
    for level in ("L2", "L1"):
        channel = connected(Sealed(level=level, minimum_level=level), sessions=2)
        channel.open(channel.seal(UPDATE, down()))
        held = channel.seal(UPDATE, up())
        channel.seal(UPDATE, down(round=2))  # the server has gone on, whether or not this arrives
        with pytest.raises(TamperedError, match="for round 1 came in round 2"):
            channel.open(held)
        channel.open(channel.seal(UPDATE, up(round=2)))


def test_a_round_in_which_nothing_is_sent_is_labelled_so():
    """300 km give no key: the wanted level would be a claim about messages that never were."""
    far = Sealed(shortest_km=300, longest_km=300, sifted_bits=300)
    rng = np.random.default_rng(0)
    channel = far.connect(far.links(CLIENTS, rng=rng), run="cell")
    for client in CLIENTS:
        assert channel.exchange(client, round=1, rng=rng).aborted
        with pytest.raises(SessionAbortedError):
            channel.seal(UPDATE, down(receiver=client))
    assert channel.level == SecurityLevel.REFUSED
    again = connected(sessions=2)
    again.seal(UPDATE, down())
    assert again.level == SecurityLevel.QKD_AEAD
    again.exchange("client-00", round=2, rng=rng)
    assert again.level == SecurityLevel.REFUSED


def test_splicing_dies():
    """A header of one message on the content of another, in every field."""
    channel = connected(sessions=4)
    one = channel.seal(UPDATE, down())
    two = channel.seal(UPDATE, down(receiver="client-01"))
    for header in (two.header, replace(one.header, key_id=two.header.key_id)):
        with pytest.raises(TamperedError):
            channel.open(replace(one, header=header))


def test_a_direction_that_does_not_exist_is_tampering():
    channel = connected()
    envelope = channel.seal(UPDATE, down())
    with pytest.raises(TamperedError):
        channel.open(replace(envelope, header=replace(envelope.header, direction="sideways")))


MUTATIONS = {
    "run": "other",
    "round": 2,
    "sender": "client-01",
    "receiver": "client-01",
    "direction": Direction.UP,
    "schema": "0" * 64,
    "key_id": "00000000-0000-0000-0000-000000000000",
    "sequence": 7,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Header)])
def test_every_header_field_is_bound(name):
    channel = connected()
    envelope = channel.seal(UPDATE, down())
    changed = replace(envelope.header, **{name: MUTATIONS[name]})
    with pytest.raises(TamperedError):
        channel.open(replace(envelope, header=changed))


def test_a_key_is_spent_even_on_a_forgery():
    channel = connected()
    envelope = channel.seal(UPDATE, down())
    with pytest.raises(TamperedError):
        channel.open(replace(envelope, ciphertext=bytes(len(envelope.ciphertext))))
    with pytest.raises(TamperedError, match="has been used"):
        channel.open(envelope)


def test_an_aborted_session_stops_the_client_whatever_the_pool_holds():
    channel = connected(sessions=3)
    rng = np.random.default_rng(9)
    event = channel.exchange("client-00", round=5, rng=rng, eavesdropper=InterceptResend())
    assert "QBER" in event.aborted
    assert event.secret_bits == 0
    assert event.key_bits_left >= 512
    for header in (down(round=5), up(round=5)):
        with pytest.raises(SessionAbortedError, match="round 5"):
            channel.seal(UPDATE, header)
    assert channel.key_bits_left("client-00") == event.key_bits_left
    channel.seal(UPDATE, down(round=5, receiver="client-01"))
    assert not channel.exchange("client-00", round=6, rng=rng).aborted
    channel.seal(UPDATE, down(round=6))


def test_exhaustion_sends_and_spends_nothing():
    channel = connected()
    for index in range(channel.key_bits_left("client-00") // 256):
        channel.seal(UPDATE, down(sequence=index))
    left = channel.key_bits_left("client-00")
    assert left < 256
    with pytest.raises(KeyExhaustedError):
        channel.seal(UPDATE, down(sequence=100))
    assert channel.key_bits_left("client-00") == left


def test_keys_of_lost_messages_are_burnt_at_the_next_exchange():
    channel = connected()
    lost = channel.seal(UPDATE, down())
    channel.exchange("client-00", round=2, rng=np.random.default_rng(1))
    assert channel.account().burnt == 256
    with pytest.raises(TamperedError):
        channel.open(lost)


def test_content_must_match_its_schema():
    channel = connected()
    with pytest.raises(TamperedError, match="another schema"):
        channel.open(channel.seal(UPDATE, down(schema="0" * 64)))


def test_the_event_says_how_the_session_went():
    config = Sealed()
    rng = np.random.default_rng(2)
    channel = config.connect(config.links(CLIENTS, rng=rng), run="cell")
    event = channel.exchange("client-00", round=1, rng=rng)
    assert event.client == "client-00"
    assert event.sifted_bits > 2500
    assert event.secret_bits == event.key_bits_left >= 512
    assert 0 <= event.qber < 0.05
    assert event.disclosed_bits > 0
    assert 0 < event.duration_seconds < 1


def test_every_session_pays_for_the_tags_of_the_next():
    channel = connected(sessions=1)
    account = channel.account()
    assert account.delivered == account.consumed == 256 * len(CLIENTS)
    left = sum(channel.key_bits_left(client) for client in CLIENTS)
    assert account.produced - account.delivered == left


def test_a_link_that_cannot_pay_for_tags_makes_no_key():
    """Sessions too short for the 256 bits of their own tags; they spend none and net none."""
    config = Sealed(sifted_bits=400)
    rng = np.random.default_rng(3)
    channel = config.connect(config.links(CLIENTS, rng=rng), run="cell")
    events = [channel.exchange("client-00", round=r, rng=rng) for r in range(12)]
    assert any("do not pay for the session's 256 bits of tags" in e.aborted for e in events)
    assert all(e.aborted and e.secret_bits == e.key_bits_left == 0 for e in events)
    with pytest.raises(SessionAbortedError):
        channel.seal(UPDATE, down())


def test_ledgers_verify():
    channel = connected(sessions=2)
    channel.open(channel.seal(UPDATE, down()))
    assert verify_chain("cell|server|client-00", channel.ledger("client-00"))


def test_keys_show_nowhere(monkeypatch):
    """A planted key is found in no repr, ledger, envelope or traceback."""
    planted = b"planted-key-material-0123456789!"
    monkeypatch.setattr("qfl.security.keys.pool.bytes", lambda _: planted, raising=False)
    channel = connected()
    envelope = channel.seal(UPDATE, down())
    shown = [repr(channel), repr(envelope), repr(channel.ledger("client-00"))]
    with pytest.raises(QflError) as caught:
        channel.open(replace(envelope, ciphertext=b"x" * 20))
    shown.append("".join(traceback.format_exception(caught.value)))
    for text in shown:
        assert "planted" not in text
        assert planted.hex() not in text


def test_strangers_and_foreign_runs_are_refused():
    channel = connected()
    before = channel.account()
    with pytest.raises(ConfigError, match="no link to 'client-09'"):
        channel.exchange("client-09", round=1, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match="of 'cell'"):
        channel.seal(UPDATE, down(run="other"))
    assert channel.account() == before
