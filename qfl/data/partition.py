"""Who holds which samples, which modalities and which tasks.

A split depends on the data and the stream it is given, never on the method under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

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
    rng: np.random.Generator,
) -> list[NDArray[np.intp]]:
    """Return a class-wise Dirichlet split: each class's shares over the clients ~ Dir(alpha).

    Redrawn until every client holds at least `min_size` samples, so sizes are unequal.

    Args:
        labels: (n,) class of each sample.
        clients: number of parts.
        alpha: concentration; small means each client sees few classes.
        min_size: smallest part allowed.
        rng: source of the draws.

    Returns:
        One sorted index array per client; disjoint, covering 0..n-1.

    Raises:
        ConfigError: no draw met `min_size`.

    Reference: Yurochkin et al. 2019 (arXiv:1905.12022), section 5, class-wise convention.
    """
    if clients * min_size > len(labels):
        raise ConfigError(
            f"{clients} clients x {min_size} samples exceed the {len(labels)} samples there are; "
            "lower min_size or the number of clients"
        )
    members = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
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
        f"{min_size} samples; raise alpha or lower min_size"
    )


def coverage(
    modalities: Sequence[str], tasks: Sequence[str], *, clients: int, rng: np.random.Generator
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return each client's (modalities, tasks): every pattern as often as every other, shuffled.

    The patterns are all pairs of a non-empty modality subset and a non-empty task subset.
    """
    patterns = list(product(_subsets(modalities), _subsets(tasks)))
    order = np.concatenate(
        [rng.permutation(len(patterns)) for _ in range(-(-clients // len(patterns)))]
    )
    return [patterns[i] for i in order[:clients]]


def _subsets(items: Sequence[str]) -> list[tuple[str, ...]]:
    """All non-empty subsets, small ones first."""
    return [s for size in range(1, len(items) + 1) for s in combinations(items, size)]
