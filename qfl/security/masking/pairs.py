"""The 256-bit keys that neighbours share: from QKD pools or from ML-KEM, one per edge and round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qfl.core.errors import ConfigError, KeyExhaustedError
from qfl.security.keys.pool import KEY_BITS, KeyPool
from qfl.security.keys.secret import Secret
from qfl.security.primitives.identity import Identity, encapsulate

Edge = tuple[str, str]
PairKeys = dict[str, dict[str, Secret]]
"""client -> neighbour -> its copy of their key."""


def pool_pair_keys(
    edges: Iterable[Edge], pools: Mapping[Edge, KeyPool], *, size: int = KEY_BITS
) -> PairKeys:
    """Return both ends' copies of a fresh QKD key for every edge; all edges are paid or none.

    Args:
        edges: pairs of names, in order.
        pools: of the links between them.
        size: bits per key.

    Raises:
        KeyExhaustedError: a pool is short; nothing was spent.
    """
    edges = list(edges)
    for edge in edges:
        if edge not in pools:
            raise ConfigError(f"no link between {edge[0]!r} and {edge[1]!r}; their masks need one")
        if pools[edge].bits_left < size:
            raise KeyExhaustedError(
                f"the link between {edge[0]!r} and {edge[1]!r} has {pools[edge].bits_left} key "
                f"bits left, a mask needs {size}; nothing was spent: run another key exchange"
            )
    found: PairKeys = {}
    for one, other in edges:
        [key] = pools[one, other].enc_keys(one, size=size)
        [copy] = pools[one, other].dec_keys(other, [key.key_id])
        found.setdefault(one, {})[other] = key.secret
        found.setdefault(other, {})[one] = copy.secret
    return found


def kem_pair_keys(edges: Iterable[Edge]) -> PairKeys:
    """Return both ends' copies of a fresh ML-KEM-768 secret for every edge: no QKD contribution.

    >>> keys = kem_pair_keys([("a", "b")])
    >>> keys["a"]["b"] == keys["b"]["a"]
    True
    """
    found: PairKeys = {}
    identities: dict[str, Identity] = {}
    for one, other in edges:
        receiver = identities.setdefault(other, Identity())
        shared, capsule = encapsulate(receiver.kem_public)
        found.setdefault(one, {})[other] = shared
        found.setdefault(other, {})[one] = receiver.decapsulate(capsule)
    return found
