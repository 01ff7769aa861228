"""One round of a masked sum with all its parties in one process, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
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
    clients = {
        name: MaskingClient(name, cohort, pair_keys[name])
        for name in cohort.clients
        if name not in gone.before_sharing
    }
    server = MaskingServer(cohort, length=length)

    shares = [client.share() for client in clients.values()]
    for name, inbox in server.route(shares).items():
        clients[name].receive(inbox)
    for name, client in clients.items():
        if name not in gone.before_upload:
            server.collect(name, client.mask(values[name]))
    survivors, dropped = server.close()
    reveals = [
        clients[name].reveal(survivors, dropped)
        for name in sorted(survivors)
        if name not in gone.before_reveal
    ]
    total = server.unmask(reveals)

    share_bytes = sum(len(s.vault) + sum(map(len, s.sealed.values())) for s in shares)
    reveal_bits = sum(
        share.bits for r in reveals for share in (*r.self_seeds.values(), *r.vault_keys.values())
    )
    vector_bits = len(survivors) * length * cohort.modulus_bits
    return MaskedSum(
        total=total,
        survivors=tuple(sorted(survivors)),
        dropped=tuple(sorted(dropped)),
        key_bits=SEED_BITS * len(cohort.edges),
        upload_bytes=share_bytes + -(-(reveal_bits + vector_bits) // 8),
    )
