"""The rows of the attack table that need no model: links, keys and envelopes.

Every function runs one attack `trials` times without and with the defence it is meant to break.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qfl.core.envelope import Direction, Envelope, Header, SecurityLevel
from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.security.attacks.envelopes import Open, StaticBox, reorder, replay, splice
from qfl.security.attacks.exhaustion import read_reused_pad
from qfl.security.attacks.interception import InterceptResend
from qfl.security.attacks.middle import impersonate
from qfl.security.attacks.outcome import AttackRow, Outcome
from qfl.security.attacks.relay import pooled_knowledge
from qfl.security.attacks.splitting import PhotonNumberSplitting
from qfl.security.keys.pool import KEY_BITS, KeyPool
from qfl.security.keys.relay import RelayNetwork
from qfl.security.keys.secret import Secret
from qfl.security.ladder import rungs
from qfl.security.primitives.pad import pad_key_bits, seal_pad
from qfl.security.qkd.line import TAG_PAD_BITS, TagKeys
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.pulses import send_pulses
from qfl.security.qkd.rates import amplification_cost
from qfl.security.qkd.session import Protocol, run_pulse_session, run_session
from qfl.security.qkd.states import random_bits, random_states
from qfl.security.qkd.toeplitz import toeplitz_hash
from qfl.security.sealed import SERVER, SealedChannel, SealPolicy

_CLIENT = "client"
_NEAR, _FAR = FibreLink(length_km=10), FibreLink(length_km=60)
_BITS = 2000
_UPDATE = Update({"head": {"bias": np.arange(4, dtype=np.float32)}}, {"head": 40})


def channel_rows(streams: Streams, *, trials: int = 20) -> tuple[AttackRow, ...]:
    """Return the rows of all attacks on links, keys and envelopes.

    Args:
        streams: every row draws from a stream of its own.
        trials: attacks per row, at least 2.

    Raises:
        ConfigError: fewer trials.
    """
    if trials < 2:
        raise ConfigError(f"trials is {trials!r}; allowed: at least 2, for an interval")
    makers: dict[str, Callable[[np.random.Generator, int], AttackRow]] = {
        "intercept-resend": intercept_resend_row,
        "intercept-resend in part": partial_interception_row,
        "photon-number splitting": photon_number_row,
        "man in the middle": middle_row,
        "pad reuse": pad_reuse_row,
        "exhaustion": exhaustion_row,
    }
    rows = [make(streams(f"attack/{name}"), trials) for name, make in makers.items()]
    envelopes = envelope_rows(streams("attack/envelopes"), trials)
    relays = relay_rows(streams("attack/relay"), trials)
    return (*rows[:4], *envelopes, *rows[4:], *relays)


def intercept_resend_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return what measuring every pulse yields: a half-known key, or none at all."""
    eve = InterceptResend()
    known = 0
    for _ in range(trials):
        sent = random_states(_BITS, rng=rng)
        resent = eve.intercept(sent, rng=rng)
        known += bool((resent.bases == sent.bases).mean() > 0.4)
    keyed = sum(
        run_session(_NEAR, protocol=Protocol(), rng=rng, eavesdropper=eve).keys is not None
        for _ in range(trials)
    )
    return AttackRow(
        attack="intercept-resend, every pulse",
        defence="QBER estimate and abort",
        measure="keys of which she measured over 40 % of the bits, per session",
        blind=0.0,
        without=Outcome.of_successes(known, trials),
        defended=Outcome.of_successes(keyed, trials),
        remark="an aborted session is a lost round: she can still silence the link",
    )


def partial_interception_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return how well she guesses key bits below the abort threshold, before and after hashing."""
    share = 0.2
    qber = InterceptResend(fraction=share).added_qber
    length = int(_BITS * (1 - 2 * amplification_cost(qber, bases=2)))
    raw, final = [], []
    for _ in range(trials):
        sent = random_states(_BITS, rng=rng)
        resent = InterceptResend().intercept(sent, rng=rng)
        attacked = rng.random(_BITS) < share
        guess = np.where(attacked, resent.bits, random_bits(_BITS, rng=rng))
        seed = random_bits(_BITS + length - 1, rng=rng)
        key, guessed = toeplitz_hash(np.stack([sent.bits, guess]), seed, length=length)
        raw.append((guess == sent.bits).mean())
        final.append((guessed == key).mean())
    return AttackRow(
        attack="intercept-resend, a fifth of the pulses",
        defence="privacy amplification",
        measure="key bits guessed right",
        blind=0.5,
        without=Outcome.of_values(raw),
        defended=Outcome.of_values(final),
        remark=f"QBER {qber:.0%}, below the abort threshold of 8 %",
    )


def photon_number_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return whether splitting multi-photon pulses yields whole keys."""
    splitter = PhotonNumberSplitting()
    protocol = Protocol(sifted_bits=600)
    known = 0
    for _ in range(trials):
        clicks = send_pulses(
            _FAR, splitter.signal, pulses=protocol.pulses(_FAR), rng=rng, splitter=splitter
        )
        known += bool((clicks.photons[~clicks.background] >= 2).all())
    keyed = sum(
        run_pulse_session(_FAR, protocol=protocol, rng=rng, splitter=splitter).keys is not None
        for _ in range(trials)
    )
    return AttackRow(
        attack="photon-number splitting",
        defence="decoy states",
        measure="keys of which she holds a photon of every bit, per session",
        blind=0.0,
        without=Outcome.of_successes(known, trials),
        defended=Outcome.of_successes(keyed, trials),
        remark="60 km; the error rate does not change at all",
    )


def middle_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return whether somebody between the ends shares a key with both."""
    succeeded = [0, 0]
    for authenticated in (False, True):
        for _ in range(trials):
            secrets = (Secret(rng.bytes(TAG_PAD_BITS // 8)) for _ in range(2))
            tag_keys = TagKeys(*secrets) if authenticated else None
            attack = impersonate(_NEAR, protocol=Protocol(), rng=rng, tag_keys=tag_keys)
            succeeded[authenticated] += attack.keys is not None
    return AttackRow(
        attack="man in the middle",
        defence="one-time Poly1305 tags over the classical messages",
        measure="sessions after which she shares a key with both ends",
        blind=0.0,
        without=Outcome.of_successes(succeeded[0], trials),
        defended=Outcome.of_successes(succeeded[1], trials),
        remark="authentication starts from a pre-shared secret",
    )


def envelope_rows(rng: np.random.Generator, trials: int) -> tuple[AttackRow, ...]:
    """Return whether sealed messages are accepted again, out of order, or under other headers."""
    attacks: dict[str, tuple[Callable[[Open, Sequence[Envelope]], int], str, int]] = {
        "replay": (replay, "one-shot keys and a window of rounds", trials),
        "reordering": (reorder, "a window of rounds", trials - 1),
        "splicing": (splice, "header bound as associated data", trials),
    }
    rows = []
    for name, (attack, defence, forgeries) in attacks.items():
        box, channel = StaticBox(), _keyed_channel(rng, messages=trials)
        counts = [
            attack(sealer.open, [sealer.seal(_UPDATE, _header(i)) for i in range(trials)])
            for sealer in (box, channel)
        ]
        rows.append(
            AttackRow(
                attack=name,
                defence=defence,
                measure="messages accepted",
                blind=0.0,
                without=Outcome.of_successes(counts[0], forgeries),
                defended=Outcome.of_successes(counts[1], forgeries),
                remark="without: one key per run and no associated data",
            )
        )
    return tuple(rows)


def pad_reuse_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return whether a message is read by who knows another one under the same pad."""
    read = [0, 0]
    size = 64
    bits = pad_key_bits(8 * size)
    for _ in range(trials):
        known, secret = rng.bytes(size), rng.bytes(size)
        pool = KeyPool((SERVER, _CLIENT), run="attack", capacity_bits=2 * bits)
        material = Secret(rng.bytes(2 * bits // 8))
        pool.produce({SERVER: material, _CLIENT: material})
        keys = [pool.enc_keys(SERVER, size=bits)[0].secret for _ in range(2)]
        for defended, pair in enumerate(((keys[0], keys[0]), (keys[0], keys[1]))):
            hidden = [
                bytes(seal_pad(key, text, associated_data=b"")[:size])
                for key, text in zip(pair, (known, secret), strict=True)
            ]
            read[defended] += read_reused_pad(*hidden, known=known) == secret
    return AttackRow(
        attack="pad reuse",
        defence="a ledger that gives no key twice",
        measure="messages read by who knows another one",
        blind=0.0,
        without=Outcome.of_successes(read[0], trials),
        defended=Outcome.of_successes(read[1], trials),
    )


def exhaustion_row(rng: np.random.Generator, trials: int) -> AttackRow:
    """Return whether a drained pool makes a channel send without a fresh quantum key."""
    sent = [0, 0]
    for strict, minimum in enumerate(("L2", "L3")):
        for _ in range(trials):
            channel = _keyed_channel(rng, messages=1, minimum=minimum)
            sent[strict] += _last_level(channel) is not SecurityLevel.QKD_AEAD
    return AttackRow(
        attack="key exhaustion",
        defence="a minimum level of L3",
        measure="drained links that send without a fresh quantum key",
        blind=0.0,
        without=Outcome.of_successes(sent[0], trials),
        defended=Outcome.of_successes(sent[1], trials),
        remark="without: L2 is allowed, and named in every record; with: the link falls silent",
    )


def relay_rows(rng: np.random.Generator, trials: int) -> tuple[AttackRow, ...]:
    """Return whether corrupt relays learn a key over one path, over two, and on both of two."""
    found = {(paths, corrupt): 0 for paths in (1, 2) for corrupt in ("r", "rs")}
    for _ in range(trials):
        for paths, corrupt in found:
            delivery = _mesh(rng).deliver("a", "b", rng=rng, path_count=paths)
            guess = pooled_knowledge(delivery, corrupt=set(corrupt))
            found[paths, corrupt] += guess == delivery.key
    return tuple(
        AttackRow(
            attack=attack,
            defence="two paths without a common relay",
            measure="keys known to the corrupt relays",
            blind=0.0,
            without=Outcome.of_successes(found[1, corrupt], trials),
            defended=Outcome.of_successes(found[2, corrupt], trials),
            remark=remark,
        )
        for attack, corrupt, remark in (
            ("malicious relay", "r", "the price is the key bits of both paths"),
            ("malicious relays on both paths", "rs", "no scheme of relays survives this"),
        )
    )


def _mesh(rng: np.random.Generator) -> RelayNetwork:
    edges = [("a", "r"), ("r", "b"), ("a", "s"), ("s", "b")]
    pools = {edge: KeyPool(edge, run="attack", capacity_bits=KEY_BITS) for edge in edges}
    for edge, pool in pools.items():
        material = Secret(rng.bytes(KEY_BITS // 8))
        pool.produce({end: material for end in edge})
    return RelayNetwork(pools)


def _keyed_channel(
    rng: np.random.Generator, *, messages: int, minimum: str = "L3"
) -> SealedChannel:
    """Return a channel to one client whose pool pays for so many messages at least."""
    policy = SealPolicy(levels=rungs("L3", minimum), capacity_bits=1 << 20)
    channel = SealedChannel({_CLIENT: _NEAR}, run="attack", protocol=Protocol(), policy=policy)
    session = 0
    while channel.key_bits_left(_CLIENT) < messages * KEY_BITS:
        session += 1
        channel.exchange(_CLIENT, round=session, rng=rng)
    return channel


def _last_level(channel: SealedChannel) -> SecurityLevel:
    """Flood the channel until it refuses or steps down; return the level of the last message."""
    level, count = SecurityLevel.QKD_AEAD, 0
    while level is SecurityLevel.QKD_AEAD:
        try:
            level = channel.seal(_UPDATE, _header(count)).level
        except KeyExhaustedError:
            return level
        count += 1
    return level


def _header(sequence: int) -> Header:
    return Header("attack", 1, _CLIENT, SERVER, Direction.UP, _UPDATE.schema, sequence=sequence)
