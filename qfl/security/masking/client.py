"""The client of a masked sum: it shares its secrets, masks its vector and reveals once.

    share -> receive -> mask -> reveal, each once and in this order

Reference: Bonawitz et al., CCS 2017, figure 4, with one change. Pair masks come from keys that
two clients share already (QKD, ML-KEM), not from a Diffie-Hellman key of each. So what a client
has its neighbours keep, beside the seed of its self-mask, is the key of its vault: its pair
seeds of this round, sealed, with the server.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import canonical_json
from qfl.core.errors import CohortError, ConfigError, SecurityError
from qfl.security.keys.secret import Secret
from qfl.security.masking.cohort import Cohort
from qfl.security.masking.quantise import word_of
from qfl.security.masking.shamir import split_secret
from qfl.security.masking.stream import add_masks
from qfl.security.primitives.aead import open_bytes, seal_bytes
from qfl.security.primitives.kdf import hkdf

SEED_BYTES = 32
LANE = 3


class Phase(IntEnum):
    """Where a client stands; there is no way back."""

    FRESH = 0
    SHARED = 1
    MASKED = 2
    REVEALED = 3


@dataclass(frozen=True, slots=True)
class Shares:
    """What a client sends first.

    Attributes:
        sender: its name.
        sealed: neighbour -> two shares that only this neighbour can open.
        vault: its pair seeds, sealed under a key that is shared among its neighbours.
    """

    sender: str
    sealed: Mapping[str, bytes]
    vault: bytes


@dataclass(frozen=True, slots=True)
class Reveal:
    """What a client sends last: for each client one share, of one kind.

    Attributes:
        sender: its name.
        self_seeds: client that delivered -> share of the seed of its self-mask.
        vault_keys: client that dropped out -> share of the key of its vault.
    """

    sender: str
    self_seeds: Mapping[str, Secret] = field(repr=False)
    vault_keys: Mapping[str, Secret] = field(repr=False)


def context(cohort: Cohort, *names: str) -> bytes:
    """Return the bytes that tie a key or a seal to a run, a round and a use."""
    fields = {"suite": "qfl-mask-v1", "run": cohort.run, "round": cohort.round, "names": names}
    return canonical_json(fields).encode()


class MaskingClient:
    """One client in one round.

    Args:
        name: in the cohort.
        cohort: public agreement.
        pair_keys: neighbour -> the 256-bit key shared with it; must serve no other round.
    """

    def __init__(self, name: str, cohort: Cohort, pair_keys: Mapping[str, Secret]) -> None:
        missing = sorted(set(cohort.neighbours[name]) - set(pair_keys))
        if missing:
            raise ConfigError(f"{name!r} shares no key with its neighbour {missing[0]!r}")
        self.name = name
        self._cohort = cohort
        self._pairs = {
            other: _pair_secrets(pair_keys[other], cohort, name, other)
            for other in cohort.neighbours[name]
        }
        self._self_seed = Secret(secrets.token_bytes(SEED_BYTES))
        self._held: dict[str, tuple[Secret, Secret]] = {}
        self._phase = Phase.FRESH

    def share(self) -> Shares:
        """Return the shares of this client's two secrets, and its vault."""
        self._advance(Phase.FRESH, Phase.SHARED)
        vault_key = Secret(secrets.token_bytes(SEED_BYTES))
        holders, threshold = self._cohort.holders(self.name), self._cohort.threshold
        parts = [
            split_secret(secret, threshold=threshold, shares=len(holders))
            for secret in (self._self_seed, vault_key)
        ]
        sealed = {}
        for holder, own, vault in zip(holders, *parts, strict=True):
            if holder == self.name:
                self._held[holder] = (own, vault)
            else:
                sealed[holder] = self._seal_for(holder, own.reveal() + vault.reveal())
        seeds = b"".join(self._pairs[v].seed.reveal() for v in sorted(self._pairs))
        vault_context = context(self._cohort, "vault", self.name)
        locked = seal_bytes(vault_key, seeds, associated_data=vault_context, lane=LANE)
        return Shares(self.name, sealed, bytes(locked))

    def receive(self, inbox: Mapping[str, bytes]) -> None:
        """Take the shares of those neighbours that are still there; no others will be masked with.

        Raises:
            TamperedError: shares were changed or moved; nothing was taken.
        """
        if self._phase is not Phase.SHARED or len(self._held) != 1:
            raise SecurityError(f"{self.name!r} takes shares once, after giving its own")
        opened = {sender: self._open_from(sender, sealed) for sender, sealed in inbox.items()}
        if len(opened) + 1 < self._cohort.threshold:
            raise CohortError(
                f"{self.name!r} has {len(opened)} neighbours left, too few for a threshold of "
                f"{self._cohort.threshold}; it sends nothing"
            )
        for sender, both in opened.items():
            half = len(both) // 2
            self._held[sender] = (Secret(both[:half]), Secret(both[half:]))

    def mask(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the vector behind its self-mask and its pair masks.

        Args:
            values: (length,) residues modulo 2^modulus_bits, in the word of that modulus.
        """
        if len(self._held) < self._cohort.threshold:
            raise SecurityError(f"{self.name!r} has received no shares to mask under")
        self._advance(Phase.SHARED, Phase.MASKED)
        word = word_of(self._cohort.modulus_bits)
        if values.dtype != word or values.ndim != 1:
            raise ConfigError(f"{values.ndim}-d {values.dtype} to mask; allowed: 1-d {word}")
        partners = [other for other in self._held if other != self.name]
        masked = np.array(values)
        add_masks(
            masked,
            plus=[
                self._self_seed,
                *(self._pairs[other].seed for other in partners if self.name < other),
            ],
            minus=[self._pairs[other].seed for other in partners if self.name > other],
            stream=self._cohort.stream,
        )
        if self._cohort.modulus_bits < 8 * word.itemsize:
            masked &= word.type((1 << self._cohort.modulus_bits) - 1)
        return masked

    def reveal(self, survivors: frozenset[str], dropped: frozenset[str]) -> Reveal:
        """Return this client's shares: self-mask seeds of survivors, vault keys of the dropped.

        Answers once, never names one client on both sides, and keeps silent if too few survive.

        Raises:
            SecurityError: the request could expose a client; nothing was revealed.
            CohortError: too few survivors; nothing was revealed.
        """
        both = survivors & dropped
        if both:
            raise SecurityError(
                f"asked for both secrets of {min(both)!r}, which together show its update; "
                "nothing was revealed"
            )
        known = set(self._held)
        if self.name not in survivors or known - survivors - dropped:
            raise SecurityError(
                f"asked to reveal for survivors that leave out {self.name!r} or a neighbour; "
                "nothing was revealed"
            )
        if len(survivors & known) < self._cohort.threshold:
            raise CohortError(
                f"{len(survivors & known)} of the holders around {self.name!r} survive, "
                f"{self._cohort.threshold} are needed; nothing was revealed"
            )
        self._advance(Phase.MASKED, Phase.REVEALED)
        return Reveal(
            self.name,
            {client: self._held[client][0] for client in sorted(survivors & known)},
            {client: self._held[client][1] for client in sorted(dropped & known)},
        )

    def _advance(self, before: Phase, after: Phase) -> None:
        if self._phase is not before:
            raise SecurityError(
                f"{self.name!r} is {self._phase.name.lower()} and cannot become "
                f"{after.name.lower()}; every step happens once"
            )
        self._phase = after

    def _seal_for(self, other: str, shares: bytes) -> bytes:
        key = self._pairs[other].outgoing
        bound = context(self._cohort, "share", self.name, other)
        return bytes(seal_bytes(key, shares, associated_data=bound, lane=LANE))

    def _open_from(self, other: str, sealed: bytes) -> bytes:
        if other not in self._pairs:
            raise SecurityError(f"shares for {self.name!r} from {other!r}, who is no neighbour")
        key = self._pairs[other].incoming
        bound = context(self._cohort, "share", other, self.name)
        return bytes(open_bytes(key, sealed, associated_data=bound, lane=LANE))

    def __repr__(self) -> str:
        return f"MaskingClient({self.name!r}, {self._phase.name.lower()})"

    def __reduce__(self) -> NoReturn:
        raise SecurityError("a masking client is neither pickled nor copied")


@dataclass(frozen=True, slots=True)
class _PairSecrets:
    """What two neighbours derive from their key of this round."""

    seed: Secret
    outgoing: Secret
    incoming: Secret


def _pair_secrets(key: Secret, cohort: Cohort, name: str, other: str) -> _PairSecrets:
    """Return the seed of the pair's mask and the keys of their shares, one each way."""
    info = context(cohort, "pair", *sorted((name, other)))
    material = hkdf(key.reveal(), salt=b"", info=info, length=3 * SEED_BYTES)
    seed, first, second = (
        Secret(material[start : start + SEED_BYTES])
        for start in range(0, 3 * SEED_BYTES, SEED_BYTES)
    )
    outgoing, incoming = (first, second) if name < other else (second, first)
    return _PairSecrets(seed, outgoing, incoming)
