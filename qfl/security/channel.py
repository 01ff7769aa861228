"""Channels between clients and server: `Plain`, and `Sealed` with keys from emulated BB84.

The frozen classes hold the options of a study; `connect` returns the channel that carries one
cell's messages. A sealed channel fails closed: no session, no key or any doubt, no message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.envelope import Direction, Envelope, Header, SecurityLevel
from qfl.core.errors import ConfigError, SessionAbortedError, TamperedError, UnknownKeyError
from qfl.core.record import LinkEvent
from qfl.core.update import Update
from qfl.security.keys.ledger import Account, Entry
from qfl.security.keys.pool import KEY_BITS, KeyPool
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol, run_session
from qfl.security.qkd.states import Eavesdropper
from qfl.security.sealing import first_nonce, open_bytes, seal_bytes

SERVER = "server"
_LANES = {Direction.UP: 1, Direction.DOWN: 2}


@dataclass(frozen=True, slots=True)
class Plain:
    """No protection and no keys."""

    def links(self, clients: Sequence[str], *, rng: np.random.Generator) -> Mapping[str, FibreLink]:
        """Return no links: nothing is keyed."""
        return {}

    def connect(self, links: Mapping[str, FibreLink], *, run: str) -> PlainChannel:
        """Return a channel for one cell."""
        return PlainChannel()


class PlainChannel:
    """Carries updates as serialised."""

    level = SecurityLevel.PLAIN

    def exchange(
        self,
        client: str,
        *,
        round: int,
        rng: np.random.Generator,
        eavesdropper: Eavesdropper | None = None,
    ) -> LinkEvent:
        """Return an event without key bits: there is nothing to exchange."""
        return LinkEvent(client, 0, 0, None, 0, 0)

    def seal(self, update: Update, header: Header) -> Envelope:
        """Return the update in an open envelope."""
        return Envelope(header, b"", update.payload, self.level)

    def open(self, envelope: Envelope) -> Update:
        """Return the update; whoever sent it."""
        return Update.from_payload(envelope.ciphertext)

    def key_bits_left(self, client: str) -> int:
        """Return 0."""
        return 0

    def account(self) -> Account:
        """Return an account of nothing."""
        return Account()


@dataclass(frozen=True, slots=True)
class Sealed:
    """AES-256-GCM under a fresh 256-bit QKD key per message; level L3.

    Attributes:
        shortest_km, longest_km: fibre lengths are drawn uniformly between these.
        loss_db_per_km, detector_efficiency, dark_count_probability, misalignment, pulse_rate_hz:
            of every fibre, see `FibreLink`.
        sifted_bits, abort_qber, cascade: of every session, see `Protocol`.
        pool_capacity_bits: key bits a link can store.
    """

    shortest_km: float = 5.0
    longest_km: float = 25.0
    loss_db_per_km: float = 0.2
    detector_efficiency: float = 0.2
    dark_count_probability: float = 1e-6
    misalignment: float = 0.01
    pulse_rate_hz: float = 1e9
    sifted_bits: int = 3000
    abort_qber: float = 0.08
    cascade: str = "opt3"
    pool_capacity_bits: int = 65_536

    def __post_init__(self) -> None:
        if not 0 <= self.shortest_km <= self.longest_km:
            raise ConfigError(
                f"fibres from {self.shortest_km!r} to {self.longest_km!r} km; allowed: "
                "0 <= shortest_km <= longest_km"
            )
        if self.pool_capacity_bits < 2 * KEY_BITS:
            raise ConfigError(
                f"pool_capacity_bits is {self.pool_capacity_bits!r}; one round needs a "
                f"{KEY_BITS}-bit key in each direction: at least {2 * KEY_BITS}"
            )
        protocol, link = self._protocol(), self._fibre(self.longest_km)
        protocol.pulses(link)

    def links(self, clients: Sequence[str], *, rng: np.random.Generator) -> Mapping[str, FibreLink]:
        """Return one fibre per client, of random length."""
        lengths = rng.uniform(self.shortest_km, self.longest_km, len(clients))
        return {client: self._fibre(float(km)) for client, km in zip(clients, lengths, strict=True)}

    def connect(self, links: Mapping[str, FibreLink], *, run: str) -> SealedChannel:
        """Return a channel over `links` for one cell; all pools are empty."""
        return SealedChannel(
            links, run=run, protocol=self._protocol(), capacity_bits=self.pool_capacity_bits
        )

    def _fibre(self, length_km: float) -> FibreLink:
        return FibreLink(
            length_km=length_km,
            loss_db_per_km=self.loss_db_per_km,
            detector_efficiency=self.detector_efficiency,
            dark_count_probability=self.dark_count_probability,
            misalignment=self.misalignment,
            pulse_rate_hz=self.pulse_rate_hz,
        )

    def _protocol(self) -> Protocol:
        return Protocol(
            sifted_bits=self.sifted_bits, abort_qber=self.abort_qber, variant=self.cascade
        )


class SealedChannel:
    """Seals and opens one cell's messages with keys from its links' pools.

    Args:
        links: client -> fibre to the server.
        run: the cell; messages of other cells do not authenticate.
        protocol: of the key exchange sessions.
        capacity_bits: of each pool.

    >>> rng = np.random.default_rng(3)
    >>> config = Sealed()
    >>> channel = config.connect(config.links(["client-03"], rng=rng), run="cell")
    >>> event = channel.exchange("client-03", round=1, rng=rng)
    >>> update = Update({"head:digit": {"bias": np.ones(2, np.float32)}}, {"head:digit": 40})
    >>> header = Header("cell", 1, "server", "client-03", Direction.DOWN, update.schema)
    >>> channel.open(channel.seal(update, header)).samples
    {'head:digit': 40}
    >>> event.key_bits_left - channel.key_bits_left("client-03")
    256
    """

    level = SecurityLevel.QKD_AEAD

    def __init__(
        self,
        links: Mapping[str, FibreLink],
        *,
        run: str,
        protocol: Protocol,
        capacity_bits: int,
    ) -> None:
        self._links = dict(links)
        self._run = run
        self._protocol = protocol
        self._pools = {
            client: KeyPool((SERVER, client), run=run, capacity_bits=capacity_bits)
            for client in links
        }
        self._aborted: dict[str, str] = {}
        self._newest: dict[tuple[str, str], tuple[int, int]] = {}

    def exchange(
        self,
        client: str,
        *,
        round: int,
        rng: np.random.Generator,
        eavesdropper: Eavesdropper | None = None,
    ) -> LinkEvent:
        """Run a key-exchange session with `client` and return how it went.

        Keys of earlier messages that never arrived are burnt. If the session aborts, nothing can
        be sealed for this client, whatever its pool holds, until a later session succeeds.
        """
        pool = self._pool(client)
        pool.burn_waiting()
        session = run_session(
            self._links[client], protocol=self._protocol, rng=rng, eavesdropper=eavesdropper
        )
        self._aborted.pop(client, None)
        if session.keys is None:
            self._aborted[client] = f"round {round}: {session.aborted}"
        else:
            server, far = session.keys
            pool.produce({SERVER: server, client: far})
        return LinkEvent(
            client=client,
            sifted_bits=session.sifted_bits,
            secret_bits=session.secret_bits,
            qber=session.qber,
            disclosed_bits=session.disclosed_bits,
            key_bits_left=pool.bits_left,
            aborted=session.aborted,
            duration_seconds=session.duration_seconds,
        )

    def seal(self, update: Update, header: Header) -> Envelope:
        """Return the sealed update; its header carries the key id.

        Raises:
            SessionAbortedError: the client's last session aborted; no key was spent.
            KeyExhaustedError: the pool holds less than one key; no key was spent.
        """
        client = _client(header)
        pool = self._pool(client)
        if client in self._aborted:
            raise SessionAbortedError(
                f"nothing may be sent between {SERVER!r} and {client!r}: the last key exchange "
                f"aborted ({self._aborted[client]}); run another one first"
            )
        if header.run != self._run:
            raise ConfigError(f"a header of run {header.run!r} on a channel of {self._run!r}")
        [key] = pool.enc_keys(header.sender)
        header = replace(header, key_id=key.key_id)
        lane = _LANES[header.direction]
        ciphertext = seal_bytes(
            key.secret, update.payload, associated_data=header.associated_data(), lane=lane
        )
        return Envelope(header, first_nonce(lane), ciphertext, self.level, KEY_BITS)

    def open(self, envelope: Envelope) -> Update:
        """Return the update inside; its key cannot be asked for again, whatever comes out.

        Raises:
            TamperedError: the envelope is changed, replayed, out of order, of another run or
                for another receiver.
        """
        header = envelope.header
        lane = _LANES[header.direction]
        client = _client(header)
        if (
            header.run != self._run
            or client not in self._pools
            or envelope.level is not self.level
            or envelope.nonce != first_nonce(lane)
        ):
            raise TamperedError("an envelope that this channel did not seal; it was not opened")
        route, position = (header.sender, header.receiver), (header.round, header.sequence)
        if position <= self._newest.get(route, (-1, -1)):
            raise TamperedError(
                f"an envelope from {header.sender!r} for round {header.round}, sequence "
                f"{header.sequence}, is not newer than the last one: replayed or reordered"
            )
        try:
            [key] = self._pools[client].dec_keys(header.receiver, [header.key_id])
        except UnknownKeyError as error:
            raise TamperedError(f"an envelope was not opened: {error}") from None
        payload = open_bytes(
            key.secret,
            envelope.ciphertext,
            associated_data=header.associated_data(),
            lane=lane,
        )
        self._newest[route] = position
        update = Update.from_payload(payload)
        if update.schema != header.schema:
            raise TamperedError(
                f"an envelope from {header.sender!r} holds modules of another schema than its "
                "header says"
            )
        return update

    def key_bits_left(self, client: str) -> int:
        """Return the key bits in the client's pool."""
        return self._pool(client).bits_left

    def account(self) -> Account:
        """Return the key bits produced, delivered, consumed and burnt over all links."""
        accounts = [pool.ledger.account for pool in self._pools.values()]
        return sum(accounts, start=Account())

    def ledger(self, client: str) -> tuple[Entry, ...]:
        """Return the ledger entries of the client's link."""
        return self._pool(client).ledger.entries

    def _pool(self, client: str) -> KeyPool:
        if client not in self._pools:
            raise ConfigError(
                f"no link to {client!r}; this channel connects {', '.join(sorted(self._pools))}"
            )
        return self._pools[client]


def _client(header: Header) -> str:
    """Return the far end of the link that a header travels."""
    return header.sender if header.direction is Direction.UP else header.receiver
