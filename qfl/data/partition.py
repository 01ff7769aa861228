"""Who holds which samples. Names are those of flwr-datasets where the meaning is the same.

A split depends on the data and the stream it is given, never on the method under test. Every
function returns sorted index arrays, one per client, disjoint and covering. Who holds which
modalities and tasks is in `coverage`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

_REDRAWS = 1000


def holdout(
    n: int, *, fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (kept, held_out): a random split of 0..n-1, both sorted.

    Raises:
        ConfigError: the fraction leaves one side empty.
    """
    size = round(n * fraction)
    if not 0 < size < n:
        raise ConfigError(f"holding out {fraction} of {n} samples leaves one side empty")
    order = rng.permutation(n)
    return np.sort(order[size:]), np.sort(order[:size])


def iid(n: int, *, clients: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Return equal random parts of 0..n-1 (sizes differ by at most one)."""
    return [np.sort(part) for part in np.array_split(rng.permutation(n), clients)]


def dirichlet(
    labels: NDArray[np.int64],
    *,
    clients: int,
    alpha: float,
    min_size: int = 10,
    balanced: bool = False,
    rng: np.random.Generator,
) -> list[NDArray[np.intp]]:
    """Return a Dirichlet split, class-wise or, if `balanced`, client-wise.

    Class-wise: each class's shares over the clients ~ Dir(alpha), redrawn until every client holds
    at least `min_size` samples, so sizes are unequal. Client-wise: each client's mix of labels ~
    Dir(alpha) per class, sizes equal; classes that are used up leave the mix.

    Args:
        labels: (n,) class of each sample.
        clients: number of parts.
        alpha: concentration; small means each client sees few classes.
        min_size: smallest part allowed.
        balanced: client-wise with equal sizes.
        rng: source of the draws.

    Raises:
        ConfigError: no draw met `min_size`.

    Reference: Yurochkin et al. 2019 (arXiv:1905.12022), class-wise convention; Hsu et al. 2019
    (arXiv:1909.06335), client-wise with alpha times the prior of the classes.
    """
    if clients * min_size > len(labels):
        raise ConfigError(
            f"{clients} clients x {min_size} samples exceed the {len(labels)} samples there are; "
            "lower min_size (min_samples of a scenario) or the number of clients"
        )
    members = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    if balanced:
        return _balanced_dirichlet(members, clients, alpha, rng)
    for _ in range(_REDRAWS):
        shares = rng.dirichlet(np.full(clients, alpha), size=len(members))
        cuts = [
            np.round(np.cumsum(share)[:-1] * len(rows)).astype(np.intp)
            for share, rows in zip(shares, members, strict=True)
        ]
        pieces = [np.split(rows, cut) for rows, cut in zip(members, cuts, strict=True)]
        parts = [np.sort(np.concatenate(own)) for own in zip(*pieces, strict=True)]
        if min(map(len, parts)) >= min_size:
            return parts
    raise ConfigError(
        f"no Dirichlet({alpha}) split in {_REDRAWS} draws gives every one of {clients} clients "
        f"{min_size} samples; raise alpha or lower min_size (dirichlet_alpha and min_samples of a "
        "scenario), or take fewer clients"
    )


def shards(
    labels: NDArray[np.int64], *, clients: int, per_client: int = 2, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Return `per_client` random shards each of the samples sorted by label.

    Reference: McMahan et al. 2017 (arXiv:1602.05629), pathological non-IID split.
    """
    order = np.argsort(labels, kind="stable")
    pieces = np.array_split(order, clients * per_client)
    deal = rng.permutation(clients * per_client).reshape(clients, per_client)
    return [np.sort(np.concatenate([pieces[k] for k in own])) for own in deal]


def pathological(
    labels: NDArray[np.int64], *, clients: int, classes: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Return parts with `classes` classes each; the holders of a class share it equally.

    Raises:
        ConfigError: more classes than there are, or too few holders for every class to have one.
    """
    kinds = np.unique(labels)
    if not len(kinds) <= clients * classes or classes > len(kinds):
        raise ConfigError(
            f"{clients} clients x {classes} classes cannot hold the {len(kinds)} classes there "
            "are; every class needs a holder, and no client holds one twice"
        )
    deck, places = rng.permutation(kinds), rng.permutation(clients)
    held = [
        {int(deck[(place * classes + k) % len(kinds)]) for k in range(classes)} for place in places
    ]
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(clients)]
    for kind in kinds:
        holders = [i for i in range(clients) if int(kind) in held[i]]
        rows = rng.permutation(np.flatnonzero(labels == kind))
        for i, piece in zip(holders, np.array_split(rows, len(holders)), strict=True):
            parts[i].append(piece)
    return [np.sort(np.concatenate(own)) for own in parts]


def quantity_skew(
    n: int, *, clients: int, alpha: float, min_size: int = 10, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Return random parts of 0..n-1 whose sizes ~ Dir(alpha), labels as in the whole.

    Raises:
        ConfigError: no draw gave every client `min_size` samples.
    """
    order = rng.permutation(n)
    for _ in range(_REDRAWS):
        cuts = np.round(np.cumsum(rng.dirichlet(np.full(clients, alpha)))[:-1] * n).astype(np.intp)
        parts = [np.sort(part) for part in np.split(order, cuts)]
        if min(map(len, parts)) >= min_size:
            return parts
    raise ConfigError(
        f"no draw in {_REDRAWS} gives every one of {clients} clients {min_size} of {n} samples; "
        "raise alpha or lower min_size"
    )


def natural(key: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return one part per value of a natural key, such as the speaker.

    >>> [part.tolist() for part in natural(np.array([1, 0, 1]))]
    [[1], [0, 2]]
    """
    return [np.flatnonzero(key == value) for value in np.unique(key)]


def time_blocks(n: int, *, clients: int) -> list[NDArray[np.intp]]:
    """Return consecutive parts of 0..n-1, as equal as possible.

    >>> [part.tolist() for part in time_blocks(5, clients=2)]
    [[0, 1, 2], [3, 4]]
    """
    return list(np.array_split(np.arange(n), clients))


def hierarchical(
    labels: NDArray[np.int64],
    *,
    edges: int,
    users: int,
    alpha: float,
    min_size: int = 10,
    rng: np.random.Generator,
) -> list[list[NDArray[np.intp]]]:
    """Return per edge the parts of its users: Dirichlet over the edges, and again inside each.

    Args:
        labels: (n,) class of each sample.
        edges, users: number of edges, and of users per edge.
        alpha: concentration on both levels.
        min_size: smallest part of a user.
        rng: source of the draws.
    """
    outer = dirichlet(labels, clients=edges, alpha=alpha, min_size=2 * users * min_size, rng=rng)
    return [
        [
            part[own]
            for own in dirichlet(
                labels[part], clients=users, alpha=alpha, min_size=min_size, rng=rng
            )
        ]
        for part in outer
    ]


def inside(
    parts: Sequence[NDArray[np.intp]], split: Callable[[NDArray[np.intp]], list[NDArray[np.intp]]]
) -> list[NDArray[np.intp]]:
    """Return the parts of the parts: `split` divides the rows of each, for instance of a speaker.

    >>> halves = inside([np.array([4, 5]), np.array([7, 9])], lambda rows: np.array_split(rows, 2))
    >>> [part.tolist() for part in halves]
    [[4], [5], [7], [9]]
    """
    return [piece for part in parts for piece in split(part)]


def _balanced_dirichlet(
    members: Sequence[NDArray[np.intp]], clients: int, alpha: float, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Fill clients one after the other, each from its own mix of what is left."""
    left = np.array([len(rows) for rows in members])
    total = int(left.sum())
    sizes = np.diff(np.linspace(0, total, clients + 1).round().astype(int))
    parts = []
    for size in sizes:
        mix = rng.dirichlet(np.full(len(members), alpha))
        taken = np.zeros(len(members), dtype=np.int64)
        while taken.sum() < size:
            open_mix = np.where(left > taken, np.maximum(mix, 1e-12), 0.0)
            more = rng.multinomial(size - taken.sum(), open_mix / open_mix.sum())
            taken = np.minimum(taken + more, left)
        ends = [len(rows) - count for rows, count in zip(members, left, strict=True)]
        rows = [own[end : end + k] for own, end, k in zip(members, ends, taken, strict=True)]
        parts.append(np.sort(np.concatenate(rows)))
        left = left - taken
    return parts
