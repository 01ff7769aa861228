"""The server of a masked sum: it routes shares, adds vectors and removes what does not cancel.

For each client it learns the seed of the self-mask (if the client delivered) or the pair seeds
(if it dropped out), never both: a share of the other kind is refused on arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import CohortError, ConfigError, SecurityError
from qfl.security.keys.secret import Secret
from qfl.security.masking.client import LANE, SEED_BYTES, Reveal, Shares, context
from qfl.security.masking.cohort import Cohort
from qfl.security.masking.quantise import word_of
from qfl.security.masking.shamir import join_shares
from qfl.security.masking.stream import add_masks
from qfl.security.primitives.aead import open_bytes


class MaskingServer:
    """One masked sum.

    Args:
        cohort: public agreement.
        length: of the vectors.
    """

    def __init__(self, cohort: Cohort, *, length: int) -> None:
        self._cohort = cohort
        self._total = np.zeros(length, word_of(cohort.modulus_bits))
        self._vaults: dict[str, bytes] = {}
        self._delivered: set[str] = set()
        self._asked: tuple[frozenset[str], frozenset[str]] | None = None
        self._done = False

    def route(self, shares: Iterable[Shares]) -> dict[str, dict[str, bytes]]:
        """Return every participant's inbox; who sent no shares takes no part.

        Raises:
            CohortError: some participant has too few neighbours left; nobody may send a vector.
        """
        sent = {each.sender: each for each in shares}
        strangers = sorted(set(sent) - set(self._cohort.neighbours))
        if strangers or self._vaults:
            raise SecurityError(f"shares of {strangers or 'a second time'}; not routed")
        inboxes = {
            name: {v: sent[v].sealed[name] for v in self._cohort.neighbours[name] if v in sent}
            for name in sent
        }
        for name, inbox in inboxes.items():
            if len(inbox) + 1 < self._cohort.threshold:
                raise CohortError(
                    f"{len(inbox) + 1} of {len(self._cohort.holders(name))} around {name!r} take "
                    f"part, {self._cohort.threshold} are needed; the sum is given up"
                )
        if len(sent) < 2:
            raise CohortError(f"{len(sent)} participants; a sum needs at least 2")
        self._vaults = {name: each.vault for name, each in sent.items()}
        return inboxes

    def collect(self, client: str, masked: NDArray[Any]) -> None:
        """Add a masked vector; its sender becomes a survivor.

        Raises:
            SecurityError: it comes twice, too late, or from somebody who takes no part. A late
                vector must be thrown away: its pair masks may be known by now.
        """
        if self._asked is not None or client in self._delivered or client not in self._vaults:
            raise SecurityError(f"a vector from {client!r} that is late, doubled or foreign")
        if masked.shape != self._total.shape or masked.dtype != self._total.dtype:
            raise ConfigError(
                f"a vector {masked.shape} {masked.dtype} from {client!r}; allowed: "
                f"{self._total.shape} {self._total.dtype}"
            )
        self._total += masked
        self._delivered.add(client)

    def close(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return (survivors, dropped), the request for shares; later vectors are refused.

        Raises:
            CohortError: too few survivors around someone, or survivors in pieces that share no
                masks, whose sums would show one by one; nothing was asked.
        """
        survivors = frozenset(self._delivered)
        dropped = frozenset(self._vaults) - survivors
        for client in sorted(survivors | dropped):
            if client in dropped and not self._partners(client):
                continue
            around = survivors.intersection(self._cohort.holders(client))
            if len(around) < self._cohort.threshold:
                raise CohortError(
                    f"{len(around)} of the holders around {client!r} survive, "
                    f"{self._cohort.threshold} are needed; nothing was revealed"
                )
        if len(survivors) < 2 or not self._cohort.connected(survivors):
            raise CohortError(
                f"{len(survivors)} survivors that do not hang together: parts of the sum would "
                "show; nothing was revealed"
            )
        self._asked = (survivors, dropped)
        return self._asked

    def unmask(self, reveals: Iterable[Reveal]) -> NDArray[Any]:
        """Return the sum of the survivors' vectors modulo 2^modulus_bits.

        Raises:
            CohortError: fewer than `threshold` shares of a needed secret; no sum.
            SecurityError: a share of a kind that was not asked for.
        """
        if self._asked is None or self._done:
            raise SecurityError("a sum is unmasked once, after the survivors are known")
        survivors, dropped = self._asked
        self._done = True
        seeds: dict[str, dict[int, Secret]] = {client: {} for client in survivors}
        keys: dict[str, dict[int, Secret]] = {client: {} for client in dropped}
        for reveal in reveals:
            self._sort(reveal.self_seeds, reveal.sender, seeds)
            self._sort(reveal.vault_keys, reveal.sender, keys)
        self_masks = [self._join(client, shares) for client, shares in seeds.items()]
        plus, minus = [], []
        for client, shares in keys.items():
            partners = self._partners(client)
            if not partners:
                continue
            found = self._open_vault(client, self._join(client, shares))
            plus += [found[v] for v in partners if client < v]
            minus += [found[v] for v in partners if client > v]
        add_masks(self._total, plus=plus, minus=[*minus, *self_masks], stream=self._cohort.stream)
        return self._total & np.array((1 << self._cohort.modulus_bits) - 1, self._total.dtype)

    def _partners(self, client: str) -> list[str]:
        """Return the survivors whose vectors hold a pair mask with the client."""
        return [v for v in self._cohort.neighbours[client] if v in self._delivered]

    def _sort(
        self, shares: Mapping[str, Secret], sender: str, wanted: dict[str, dict[int, Secret]]
    ) -> None:
        for client, share in shares.items():
            if client not in wanted or sender not in self._cohort.holders(client):
                raise SecurityError(
                    f"a share from {sender!r} about {client!r} that was not asked for; it was "
                    "not kept, for with it both secrets of one client might be known"
                )
            wanted[client][self._cohort.holders(client).index(sender) + 1] = share

    def _join(self, client: str, shares: dict[int, Secret]) -> Secret:
        threshold = self._cohort.threshold
        if len(shares) < threshold:
            raise CohortError(
                f"{len(shares)} shares about {client!r}, {threshold} are needed; there is no sum"
            )
        return join_shares(dict(sorted(shares.items())[:threshold]), length=SEED_BYTES)

    def _open_vault(self, client: str, key: Secret) -> dict[str, Secret]:
        bound = context(self._cohort, "vault", client)
        seeds = open_bytes(key, self._vaults[client], associated_data=bound, lane=LANE)
        return {
            v: Secret(seeds[SEED_BYTES * i : SEED_BYTES * (i + 1)])
            for i, v in enumerate(sorted(self._cohort.neighbours[client]))
        }
