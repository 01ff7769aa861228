"""What masked sums cost, and what they must cost at least: closed forms from the literature."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from qfl.core.errors import ConfigError


def expansion_factor(
    clients: int, length: int, *, input_bits: int = 16, key_bits: int = 256, share_bits: int = 256
) -> float:
    """Return a client's upload relative to its plain vector, pairwise masks on a complete graph.

    2 n a_K + (5n - 4) a_S + n + m ceil(log2 R) bits with R = n (2^b - 1) + 1, over m b.

    Args:
        clients: n.
        length: m, entries of the vector.
        input_bits: b, of an entry.
        key_bits, share_bits: a_K and a_S, of a public key and of a share.

    Reference: Bonawitz et al., CCS 2017, section 7.1.

    >>> expansion_factor(2**10, 2**20)
    1.734375
    """
    for name, value in (("clients", clients), ("length", length), ("input_bits", input_bits)):
        if value < 1:
            raise ConfigError(f"{name} is {value!r}; allowed: at least 1")
    entry_bits = (clients * (2**input_bits - 1)).bit_length()
    extra = 2 * clients * key_bits + (5 * clients - 4) * share_bits + clients
    return (extra + length * entry_bits) / (length * input_bits)


@dataclass(frozen=True, slots=True)
class KeyBound:
    """Least key symbols per summed symbol, and how far one symbol per group is above it.

    Attributes:
        per_pair: that every pair (group) shares.
        per_user: that one user holds.
        total: over all pairs.
        naive_ratio: of one symbol per pair to the bound.
    """

    per_pair: float
    per_user: float
    total: float
    naive_ratio: float


def key_bound(users: int, *, colluders: int = 0, group_size: int = 2) -> KeyBound:
    """Return the least symmetric group keys of an information-theoretic sum of K users.

    Each group key needs (K-T-1) / C(K-T, G) symbols; for pairs that is 2 / (K-T).

    Args:
        users: K.
        colluders: T users whom the server may know everything about.
        group_size: G users share each key.

    Reference: Zhao and Sun, Secure Summation: Capacity Region, Groupwise Key, and Feasibility,
    arXiv:2205.08458, theorem 2.

    >>> key_bound(10, colluders=4).per_user
    3.0
    """
    if not 0 <= colluders <= users - 2:
        raise ConfigError(
            f"{colluders!r} colluders among {users!r} users; allowed: at most all but two, as "
            "one honest summand is the sum less the others"
        )
    honest = users - colluders
    if not 2 <= group_size <= honest:
        raise ConfigError(
            f"keys for groups of {group_size!r}; allowed: 2 to {honest} (users less colluders), "
            "beyond which no scheme exists"
        )
    numerator, groups = honest - 1, comb(honest, group_size)
    return KeyBound(
        per_pair=numerator / groups,
        per_user=comb(users - 1, group_size - 1) * numerator / groups,
        total=comb(users, group_size) * numerator / groups,
        naive_ratio=groups / numerator,
    )


def hierarchical_key_rate(servers: int, users: int, *, colluders: int = 0) -> int:
    """Return the least source-key symbols min(U+V+T-2, UV-1) of a two-level sum.

    Args:
        servers: U relays.
        users: V users of each.
        colluders: T.

    Reference: arXiv:2601.06836 (hierarchical secure aggregation); as stated there, not proven
    here.

    >>> hierarchical_key_rate(3, 4)
    5
    """
    if min(servers, users) < 1 or colluders < 0:
        raise ConfigError(
            f"{servers!r} servers, {users!r} users each, {colluders!r} colluders; allowed: at "
            "least 1, 1 and 0"
        )
    return min(servers + users + colluders - 2, servers * users - 1)
