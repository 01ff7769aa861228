"""The options of the channels between clients and server: `Plain` and `Sealed`.

The frozen classes hold what a study sets; `connect` returns the channel that carries one cell's
messages (`PlainChannel` here, `SealedChannel` in `sealed.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qfl.core.envelope import Envelope, Header, SecurityLevel
from qfl.core.errors import ConfigError
from qfl.core.events import LinkEvent
from qfl.core.ports import Channel
from qfl.core.update import Update
from qfl.security.gather import OneByOne
from qfl.security.keys.ledger import Account
from qfl.security.ladder import rungs
from qfl.security.qkd.block import Block
from qfl.security.qkd.distil import Processing
from qfl.security.qkd.link import FibreLink, Link
from qfl.security.qkd.session import Protocol
from qfl.security.qkd.states import Eavesdropper
from qfl.security.sealed import SERVER, SealedChannel, SealPolicy

__all__ = ["SERVER", "Plain", "PlainChannel", "Sealed", "SealedChannel"]


@dataclass(frozen=True, slots=True)
class Plain:
    """No protection and no keys."""

    def links(self, clients: Sequence[str], *, rng: np.random.Generator) -> Mapping[str, FibreLink]:
        """Return no links: nothing is keyed."""
        return {}

    def connect(self, links: Mapping[str, Link], *, run: str) -> PlainChannel:
        """Return a channel for one cell."""
        return PlainChannel()

    def gatherer(self, channel: Channel, links: Mapping[str, Link], *, run: str) -> OneByOne:
        """Return what brings a round's answers home over `channel`."""
        return OneByOne(channel, run=run)


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
    """Envelopes keyed by emulated decoy BB84; by default AES-256-GCM, level L3.

    Attributes:
        level: the level wanted: L4 one-time pad, L3 AEAD under a QKD key per message, L2 hybrid
            with ML-KEM, L1 ML-KEM alone.
        minimum_level: the lowest level that may be used when key runs short; the wanted level
            itself means that nothing weaker is ever sent.
        cipher: "aes-256-gcm" or "chacha20-poly1305".
        shortest_km, longest_km: fibre lengths are drawn uniformly between these.
        loss_db_per_km, detector_efficiency, dark_count_probability, misalignment, pulse_rate_hz:
            of every fibre, see `FibreLink`.
        sifted_bits, abort_qber, cascade: of every session, see `Protocol`.
        block_pulses: above 0, sessions are finite-key blocks of so many pulses at count level, see
            `Block`: one-time pads of whole models need megabits of key.
        pool_capacity_bits: key bits a link can store.
        relays: trusted nodes on the way to each client, at equal distances; each sees the keys.
        routes: separate ways with as many relays each; a node then sees a share of each key.
    """

    level: str = "L3"
    minimum_level: str = "L3"
    cipher: str = "aes-256-gcm"
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
    block_pulses: int = 0
    pool_capacity_bits: int = 65_536
    relays: int = 0
    routes: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.shortest_km <= self.longest_km:
            raise ConfigError(
                f"fibres from {self.shortest_km!r} to {self.longest_km!r} km; allowed: "
                "0 <= shortest_km <= longest_km"
            )
        self._policy()
        self._cascade().pulses(self._fibre(self.longest_km / (self.relays + 1)))
        self._protocol()

    def links(self, clients: Sequence[str], *, rng: np.random.Generator) -> Mapping[str, FibreLink]:
        """Return one fibre per client, of random length."""
        lengths = rng.uniform(self.shortest_km, self.longest_km, len(clients))
        return {client: self._fibre(float(km)) for client, km in zip(clients, lengths, strict=True)}

    def connect(self, links: Mapping[str, Link], *, run: str) -> SealedChannel:
        """Return a channel over `links` for one cell; all pools are empty."""
        return SealedChannel(links, run=run, protocol=self._protocol(), policy=self._policy())

    def gatherer(self, channel: Channel, links: Mapping[str, Link], *, run: str) -> OneByOne:
        """Return what brings a round's answers home over `channel`."""
        return OneByOne(channel, run=run)

    def _policy(self) -> SealPolicy:
        return SealPolicy(
            levels=rungs(self.level, self.minimum_level),
            cipher=self.cipher,
            capacity_bits=self.pool_capacity_bits,
            relays=self.relays,
            routes=self.routes,
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

    def _protocol(self) -> Protocol | Block:
        if self.block_pulses:
            return Block(
                pulses=self.block_pulses,
                abort_qber=self.abort_qber,
                most_bits=self.pool_capacity_bits,
            )
        return self._cascade()

    def _cascade(self) -> Protocol:
        return Protocol(
            sifted_bits=self.sifted_bits,
            processing=Processing(abort_qber=self.abort_qber, variant=self.cascade),
        )
