"""One masked sum with all its parties in one process, step by step, and what it cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.masking.client import MaskingClient
from qfl.security.masking.cohort import Cohort
from qfl.security.masking.pairs import PairKeys
from qfl.security.masking.server import MaskingServer
from qfl.security.masking.stream import SEED_BITS


@dataclass(frozen=True, slots=True)
class Dropouts:
    """Who leaves when.

    Attributes:
        before_sharing: never take part; nobody masks with them.
        before_upload: share their secrets, deliver no vector.
        before_reveal: deliver a vector, reveal nothing.
    """

    before_sharing: frozenset[str] = frozenset()
    before_upload: frozenset[str] = frozenset()
    before_reveal: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class MaskedSum:
    """The sum and its price.

    Attributes:
        total: sum of the survivors' vectors modulo 2^modulus_bits.
        survivors: whose vectors are in it.
        dropped: participants whose vectors are not.
        key_bits: 256 for every edge of the graph.
        upload_bytes: of all clients: shares, vaults, vectors at modulus_bits each, reveals.
    """

    total: NDArray[Any]
    survivors: tuple[str, ...]
    dropped: tuple[str, ...]
    key_bits: int
    upload_bytes: int


class PairwiseSum:
    """The parties of one sum, after they have shared their secrets.

    Args:
        cohort: public agreement.
        pair_keys: client -> neighbour -> their key of this round.
        length: of the vectors.
        absent: who takes no part; nobody masks with them.

    Attributes:
        protocol_bytes: client -> bytes of its shares, its vault and its reveal so far.

    Raises:
        CohortError: too few take part; nobody may send a vector.
    """

    def __init__(
        self,
        cohort: Cohort,
        *,
        pair_keys: PairKeys,
        length: int,
        absent: frozenset[str] = frozenset(),
    ) -> None:
        self._cohort = cohort
        self._length = length
        self._clients = {
            name: MaskingClient(name, cohort, pair_keys[name])
            for name in cohort.clients
            if name not in absent
        }
        self._server = MaskingServer(cohort, length=length)
        shares = [client.share() for client in self._clients.values()]
        self.protocol_bytes = {
            s.sender: len(s.vault) + sum(map(len, s.sealed.values())) for s in shares
        }
        for name, inbox in self._server.route(shares).items():
            self._clients[name].receive(inbox)

    @property
    def clients(self) -> tuple[str, ...]:
        """Who takes part."""
        return tuple(self._clients)

    def mask(self, client: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return what the client sends: its residues behind its masks."""
        return self._clients[client].mask(values)

    def collect(self, client: str, masked: NDArray[Any]) -> None:
        """Let the server have a masked vector."""
        self._server.collect(client, masked)

    def finish(self, *, silent: Iterable[str] = ()) -> MaskedSum:
        """Return the sum of what was collected.

        Args:
            silent: survivors that reveal nothing.

        Raises:
            CohortError: too few are left; nothing was unmasked.
        """
        survivors, dropped = self._server.close()
        reveals = []
        for name in sorted(survivors - set(silent)):
            reveals.append(self._clients[name].reveal(survivors, dropped))
            parts = (*reveals[-1].self_seeds.values(), *reveals[-1].vault_keys.values())
            self.protocol_bytes[name] += sum(share.bits for share in parts) // 8
        total = self._server.unmask(reveals)
        vector_bits = len(survivors) * self._length * self._cohort.modulus_bits
        return MaskedSum(
            total=total,
            survivors=tuple(sorted(survivors)),
            dropped=tuple(sorted(dropped)),
            key_bits=SEED_BITS * len(self._cohort.edges),
            upload_bytes=sum(self.protocol_bytes.values()) + -(-vector_bits // 8),
        )


def masked_sum(
    values: Mapping[str, NDArray[Any]],
    cohort: Cohort,
    *,
    pair_keys: PairKeys,
    dropouts: Dropouts | None = None,
) -> MaskedSum:
    """Return the sum of the clients' vectors, of which the server sees nothing else.

    Args:
        values: client -> (length,) residues modulo 2^modulus_bits, in the word of that modulus.
        cohort: public agreement.
        pair_keys: client -> neighbour -> their key of this round.
        dropouts: who leaves when.

    Raises:
        CohortError: too few are left; nothing was unmasked.

    >>> import numpy as np
    >>> from qfl.security.masking.pairs import kem_pair_keys
    >>> cohort = Cohort.complete("abc", threshold=2, modulus_bits=32)
    >>> values = {name: np.array([1, 2], np.uint32) for name in "abc"}
    >>> gone = Dropouts(before_upload=frozenset("b"))
    >>> masked_sum(values, cohort, pair_keys=kem_pair_keys(cohort.edges), dropouts=gone).total
    array([2, 4], dtype=uint32)
    """
    gone = dropouts or Dropouts()
    if values.keys() != cohort.neighbours.keys():
        raise ConfigError(f"vectors of {sorted(values)} for a cohort of {list(cohort.clients)}")
    [length] = {len(vector) for vector in values.values()}
    parties = PairwiseSum(cohort, pair_keys=pair_keys, length=length, absent=gone.before_sharing)
    for name in parties.clients:
        if name not in gone.before_upload:
            parties.collect(name, parties.mask(name, values[name]))
    return parties.finish(silent=gone.before_reveal)
