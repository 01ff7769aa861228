"""The sealed channel of one cell: sessions fill pools, pools key envelopes, doubts stop both.

It fails closed: no session, no key or any doubt, no message. A lower level is used only where the
policy allows it, and every envelope states its level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qfl.core.envelope import Direction, Envelope, Header, SecurityLevel
from qfl.core.errors import (
    ConfigError,
    KeyExhaustedError,
    SessionAbortedError,
    TamperedError,
    UnknownNameError,
)
from qfl.core.events import LinkEvent
from qfl.core.update import Update
from qfl.security.keying import Direct, Keying, ViaRelays
from qfl.security.keys.ledger import Account, Entry
from qfl.security.keys.pool import KEY_BITS, KeyPool
from qfl.security.ladder import LADDER, Hybrid, KemOnly, Mechanism, OneTimePad, QkdAead
from qfl.security.primitives.aead import CIPHERS
from qfl.security.primitives.identity import Identity
from qfl.security.qkd.block import Block
from qfl.security.qkd.line import TAG_PAD_BITS
from qfl.security.qkd.link import Link
from qfl.security.qkd.session import Protocol
from qfl.security.qkd.states import Eavesdropper

SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPolicy:
    """How messages may be protected.

    Attributes:
        levels: what may be used, strongest first; the first that the pool can pay for is.
        cipher: of the levels L3 to L1.
        capacity_bits: of every pool.
        relays: trusted nodes on the way to each client; 0 is a fibre without.
        routes: separate ways with as many relays each; the key is the XOR of what they carry.
    """

    levels: tuple[SecurityLevel, ...] = (SecurityLevel.QKD_AEAD,)
    cipher: str = "aes-256-gcm"
    capacity_bits: int = 65_536
    relays: int = 0
    routes: int = 1

    def __post_init__(self) -> None:
        if self.relays < 0 or self.routes < 1 or (self.routes > 1 and not self.relays):
            raise ConfigError(
                f"{self.routes!r} routes of {self.relays!r} relays; allowed: no relays on one "
                "route, or at least one relay on each"
            )
        if not self.levels or any(level not in LADDER for level in self.levels):
            raise ConfigError(f"levels {self.levels!r}; allowed: one or more of L4 to L1")
        if self.cipher not in CIPHERS:
            raise UnknownNameError("cipher", self.cipher, CIPHERS)
        if self.capacity_bits < 2 * KEY_BITS + TAG_PAD_BITS:
            raise ConfigError(
                f"pool_capacity_bits is {self.capacity_bits!r}; one round needs a "
                f"{KEY_BITS}-bit key in each direction and {TAG_PAD_BITS} bits for tags: at "
                f"least {2 * KEY_BITS + TAG_PAD_BITS}"
            )


class SealedChannel:
    """Seals and opens one cell's messages with keys from its links' pools.

    Args:
        links: client -> link to the server.
        run: the cell; messages of other cells do not authenticate.
        protocol: of the key exchange sessions, bit by bit or in blocks of count level.
        policy: how messages may be protected.

    >>> from qfl.security.qkd.link import FibreLink
    >>> rng = np.random.default_rng(3)
    >>> channel = SealedChannel({"client-03": FibreLink(length_km=10)}, run="cell",
    ...                         protocol=Protocol(), policy=SealPolicy())
    >>> event = channel.exchange("client-03", round=1, rng=rng)
    >>> update = Update({"head:digit": {"bias": np.ones(2, np.float32)}}, {"head:digit": 40})
    >>> header = Header("cell", 1, "server", "client-03", Direction.DOWN, update.schema)
    >>> channel.open(channel.seal(update, header)).samples
    {'head:digit': 40}
    >>> event.key_bits_left - channel.key_bits_left("client-03")
    256
    """

    def __init__(
        self,
        links: Mapping[str, Link],
        *,
        run: str,
        protocol: Protocol | Block,
        policy: SealPolicy,
    ) -> None:
        self._run = run
        self._policy = policy
        self._links = {client: _Link(client, run, policy) for client in links}
        self._keyings = {
            client: _keying(self._links[client].pool, link, protocol, policy, run)
            for client, link in links.items()
        }
        self._used: tuple[int, SecurityLevel] = (-1, policy.levels[0])

    @property
    def level(self) -> SecurityLevel:
        """The weakest level used in the latest round, L0 if nothing was sent in it; the wanted one
        before the first."""
        return self._used[1]

    def exchange(
        self,
        client: str,
        *,
        round: int,
        rng: np.random.Generator,
        eavesdropper: Eavesdropper | None = None,
    ) -> LinkEvent:
        """Run a key-exchange session with `client` and return how it went.

        Keys of earlier messages that never arrived are burnt. If the session aborts, no QKD key
        seals anything for this client, whatever its pool holds, until a later session succeeds.
        The event's secret bits are net of the key that authenticates the next session.
        """
        link = self._link(client)
        if round > self._used[0]:
            self._used = (round, SecurityLevel.REFUSED)
        link.pool.burn_waiting()
        keying, before = self._keyings[client], link.pool.bits_left
        done = keying.exchange(rng, eavesdropper)
        link.aborted = f"round {round}: {done.aborted}" if done.aborted else ""
        net = max(0, link.pool.bits_left - before)
        kept = link.hybrid.keep(SERVER, client) if link.hybrid is not None else 0
        return LinkEvent(
            client=client,
            sifted_bits=done.sifted_bits,
            secret_bits=net,
            qber=done.qber,
            disclosed_bits=done.disclosed_bits,
            key_bits_left=link.pool.bits_left,
            key_bits_kept=kept,
            aborted=done.aborted,
            duration_seconds=done.duration_seconds,
            trusted=keying.trusted,
        )

    def seal(self, update: Update, header: Header) -> Envelope:
        """Return the update sealed at the strongest allowed level that can be paid for.

        Raises:
            SessionAbortedError: the client's last session aborted; no key was spent.
            KeyExhaustedError: no allowed level can be paid for; no key was spent.
        """
        link = self._link(_client(header))
        if header.run != self._run or not link.joins(header):
            raise ConfigError(
                f"a header of run {header.run!r} from {header.sender!r} to "
                f"{header.receiver!r} on the channel of {self._run!r}"
            )
        refused: KeyExhaustedError | None = None
        for level in link.usable(self._policy.levels):
            try:
                envelope = link.mechanisms[level].seal(update.payload, header)
            except KeyExhaustedError as error:
                refused = refused or error
                continue
            self._note(header.round, level)
            link.sealed[header.direction] = max(link.sealed[header.direction], header.round)
            return envelope
        if refused is not None:
            raise refused
        raise SessionAbortedError(
            f"nothing may be sent between {SERVER!r} and {link.client!r}: the last key exchange "
            f"aborted ({link.aborted}); run another one first"
        )

    def open(self, envelope: Envelope) -> Update:
        """Return the update inside; its key cannot be asked for again, whatever comes out.

        Raises:
            TamperedError: the envelope is changed, replayed, out of order, of an earlier round
                than its receiver has come to, below the allowed levels, of another run or for
                another receiver.
        """
        header = envelope.header
        link = self._links.get(_client(header))
        if (
            link is None
            or not link.joins(header)
            or header.run != self._run
            or envelope.level not in link.mechanisms
        ):
            raise TamperedError("an envelope that this channel did not seal; it was not opened")
        position = (header.round, header.sequence)
        if position <= link.newest[header.direction]:
            raise TamperedError(
                f"an envelope from {header.sender!r} for round {header.round}, sequence "
                f"{header.sequence}, is not newer than the last one: replayed or reordered"
            )
        if header.round < (latest := link.round_of_receiver(header.direction)):
            raise TamperedError(
                f"an envelope from {header.sender!r} for round {header.round} came in round "
                f"{latest}; it was not opened"
            )
        payload = link.mechanisms[envelope.level].open(envelope)
        link.newest[header.direction] = position
        update = Update.from_payload(payload)
        if update.schema != header.schema:
            raise TamperedError(
                f"an envelope from {header.sender!r} holds modules of another schema than its "
                "header says"
            )
        return update

    def key_bits_left(self, client: str) -> int:
        """Return the key bits in the client's pool."""
        return self._link(client).pool.bits_left

    def account(self) -> Account:
        """Return the key bits by event over all links, those between relays among them."""
        ledgers = [link.pool.ledger for link in self._links.values()]
        ledgers += [ledger for keying in self._keyings.values() for ledger in keying.ledgers]
        return sum((ledger.account for ledger in ledgers), start=Account())

    def ledger(self, client: str) -> tuple[Entry, ...]:
        """Return the ledger entries of the client's link."""
        return self._link(client).pool.ledger.entries

    def _link(self, client: str) -> _Link:
        if client not in self._links:
            raise ConfigError(
                f"no link to {client!r}; this channel connects {', '.join(sorted(self._links))}"
            )
        return self._links[client]

    def _note(self, round: int, level: SecurityLevel) -> None:
        """Remember the weakest level of the latest round."""
        last, weakest = self._used
        if round == last and weakest is not SecurityLevel.REFUSED:
            level = max(weakest, level, key=LADDER.index)
        self._used = (round, level)


class _Link:
    """One client's pool, mechanisms and state."""

    def __init__(self, client: str, run: str, policy: SealPolicy) -> None:
        self.client = client
        self.pool = KeyPool((SERVER, client), run=run, capacity_bits=policy.capacity_bits)
        self.aborted = ""
        self.newest = {direction: (-1, -1) for direction in Direction}
        self.sealed = dict.fromkeys(Direction, -1)
        self.hybrid: Hybrid | None = None
        self.mechanisms: dict[SecurityLevel, Mechanism] = {}
        public_key = {SecurityLevel.HYBRID, SecurityLevel.KEM_ONLY}.intersection(policy.levels)
        identities = {end: Identity() for end in (SERVER, client)} if public_key else {}
        for level in policy.levels:
            if level is SecurityLevel.ONE_TIME_PAD:
                self.mechanisms[level] = OneTimePad(self.pool)
            elif level is SecurityLevel.QKD_AEAD:
                self.mechanisms[level] = QkdAead(self.pool, policy.cipher)
            elif level is SecurityLevel.HYBRID:
                self.hybrid = Hybrid(self.pool, identities, policy.cipher)
                self.mechanisms[level] = self.hybrid
            else:
                self.mechanisms[level] = KemOnly(identities, policy.cipher)

    def joins(self, header: Header) -> bool:
        """Return whether the header names this link's two ends, the right way round."""
        ends = (header.sender, header.receiver)
        if header.direction == Direction.UP:
            return ends == (self.client, SERVER)
        return header.direction == Direction.DOWN and ends == (SERVER, self.client)

    def round_of_receiver(self, direction: Direction) -> int:
        """Return the round that the receiver has come to, by what it sealed and what was opened."""
        own = [round for other, round in self.sealed.items() if other != direction]
        return max([*own, *(round for round, _ in self.newest.values())])

    def usable(self, levels: tuple[SecurityLevel, ...]) -> tuple[SecurityLevel, ...]:
        """Return the levels still open: after an aborted session, only those without QKD."""
        if not self.aborted:
            return levels
        return tuple(level for level in levels if level is SecurityLevel.KEM_ONLY)


def _client(header: Header) -> str:
    """Return the far end of the link that a header travels."""
    return header.sender if header.direction == Direction.UP else header.receiver


def _keying(
    pool: KeyPool, link: Link, protocol: Protocol | Block, policy: SealPolicy, run: str
) -> Keying:
    """Return what fills a client's pool."""
    if not policy.relays:
        return Direct(pool, link, protocol)
    return ViaRelays(pool, link, protocol, relays=policy.relays, routes=policy.routes, run=run)
