"""What a round reports beside its numbers: key exchanges, masked sums, keys left, privacy spent,
who is in which cluster, how old modules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """One key-exchange session on one link.

    Attributes:
        client: the client at the far end.
        sifted_bits, secret_bits: lengths before and after post-processing (0 if aborted).
        qber: estimated quantum bit error rate, None if no bits were compared.
        disclosed_bits: parities and hash bits published while reconciling.
        key_bits_left: in the pool after the round.
        aborted: why the session stopped, or "".
        duration_seconds: virtual time that the session took.
        trusted: per route through relays, the nodes that see what passes there; who has corrupted
            one on every route knows the keys. Empty without relays.
        key_bits_kept: taken from the pool in this session, for a hybrid key that both ends keep.
    """

    client: str
    sifted_bits: int
    secret_bits: int
    qber: float | None
    disclosed_bits: int
    key_bits_left: int
    aborted: str = ""
    duration_seconds: float = 0.0
    trusted: tuple[tuple[str, ...], ...] = ()
    key_bits_kept: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "trusted", tuple(map(tuple, self.trusted)))


@dataclass(frozen=True, slots=True)
class SumEvent:
    """One masked sum: the modules that the same clients hold, added up unseen.

    Attributes:
        modules: whose changes are in it.
        cohort: which of the round's cohorts it belongs to.
        clients, survivors: who took part, and whose changes are in the sum.
        threshold: fewest survivors of a sum that is opened.
        masks: where masks come from, "ml-kem", "qkd", "pads" or "pairwise-pads".
        length, modulus_bits: numbers summed, and bits of each.
        key_bits: key that the clients share for it, over all pairs.
        least_key_bits, naive_key_bits: of one-time masks that tolerate as many dropouts.
        key_ratio: of key_bits to the least, of a sum that was opened; ciphers stay below 1.
        cut: numbers beyond the grid, over all clients; each was added as its end.
        cut_beside: of these, numbers of what lies beside modules, such as control variates.
        given_up: why there is no sum and its modules stay as they were, or "".
    """

    modules: tuple[str, ...]
    cohort: int
    clients: int
    survivors: int
    threshold: int
    masks: str
    length: int
    modulus_bits: int
    key_bits: int = 0
    key_ratio: float | None = None
    given_up: str = ""
    least_key_bits: float = 0.0
    naive_key_bits: int = 0
    cut: int = 0
    cut_beside: int = 0


@dataclass(frozen=True, slots=True)
class PairKeys:
    """What the pools of links between clients hold after a round.

    Attributes:
        links: pairs of clients with a pool.
        bits_left: over all of them.
        poorest_bits: in the pool with the least.
    """

    links: int
    bits_left: int
    poorest_bits: int


@dataclass(frozen=True, slots=True)
class PrivacyEvent:
    """What all releases up to a round guarantee, with everything that the claim depends on.

    Attributes:
        mechanism: "central", "local" or "distributed".
        epsilon, delta: of the client who took part most often.
        adjacency, conversion, sampling: between which federations, how epsilon was computed, and
            what was assumed about who takes part.
        epsilon_renyi: beside it, by Renyi divergences.
        noise_multiplier, clip: noise relative to the clipping norm, and that norm.
        releases: rounds that this client took part in.
        missing: noise shares of a sum that were counted as lost.
        stopped: why the training ended here, or "".
    """

    mechanism: str
    epsilon: float
    delta: float
    adjacency: str
    conversion: str
    sampling: str
    epsilon_renyi: float
    noise_multiplier: float
    clip: float
    releases: int
    missing: int = 0
    stopped: str = ""


UNDIVIDED = "undivided"
"""The cluster of clients that a server has not placed yet."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who shares copies of modules with whom, after a round.

    Attributes:
        modules: of which every cluster has a copy.
        clusters: names of all there may be.
        members: client -> its cluster, as far as the server knows.
        downloaded: client of the round -> clusters whose copies came down to it.
    """

    modules: tuple[str, ...]
    clusters: tuple[str, ...]
    members: Mapping[str, str]
    downloaded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("modules", "clusters"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        copies = {client: tuple(names) for client, names in self.downloaded.items()}
        object.__setattr__(self, "downloaded", copies)

    @property
    def placed(self) -> dict[str, str]:
        """Client -> its cluster, of those that the server has placed.

        >>> Membership((), ("undivided", "0"), {"a": "0", "b": "undivided"}).placed
        {'a': '0'}
        """
        return {client: name for client, name in self.members.items() if name != UNDIVIDED}


@dataclass(frozen=True, slots=True)
class Staleness:
    """How old modules were after a round.

    Attributes:
        modules: id of a module, or of a copy of one, at the server -> rounds since it was last
            refreshed, of those that travel and are not fresh.
        homes: rounds, as a text -> how many clients have not changed for so long what they keep for
            themselves, a personal model or modules that never travel; empty if nobody keeps any.
    """

    modules: Mapping[str, int]
    homes: Mapping[str, int] = field(default_factory=dict)
