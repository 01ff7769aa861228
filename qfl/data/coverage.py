"""Who holds which modalities and which tasks, client by client.

Labels, modalities and tasks are three axes that vary separately: none of these functions looks at
the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Held = tuple[str, ...]

_REDRAWS = 1000


def coverage(
    modalities: Sequence[str], tasks: Sequence[str], *, clients: int, rng: np.random.Generator
) -> list[tuple[Held, Held]]:
    """Return each client's (modalities, tasks): every pattern as often as every other, shuffled.

    The patterns are all pairs of a non-empty modality subset and a non-empty task subset.
    """
    patterns = list(product(subsets(modalities), subsets(tasks)))
    return [patterns[i] for i in _dealt(len(patterns), clients, rng)]


def patterns(
    modalities: Sequence[str], tasks: Sequence[str], *, count: int, rng: np.random.Generator
) -> list[tuple[Held, Held]]:
    """Return `count` different (modalities, tasks), drawn until every pair of a modality and a
    task is in at least one of them.

    Raises:
        ConfigError: there are fewer patterns, or no draw has every pair.
    """
    known = list(product(subsets(modalities), subsets(tasks)))
    if not 1 <= count <= len(known):
        raise ConfigError(f"{count} patterns of the {len(known)} there are; allowed: 1 to all")
    for _ in range(_REDRAWS):
        drawn = [known[k] for k in rng.choice(len(known), size=count, replace=False)]
        if len({pair for held in drawn for pair in product(*held)}) == len(modalities) * len(tasks):
            return drawn
    raise ConfigError(
        f"no draw of {count} patterns in {_REDRAWS} has every pair of {len(modalities)} modalities "
        f"and {len(tasks)} tasks; take more patterns"
    )


def single_pairs(
    modalities: Sequence[str], tasks: Sequence[str], *, count: int
) -> list[tuple[Held, Held]]:
    """Return the first `count` pairs of one modality and one task: first such that every modality
    and every task is there, then the others.

    >>> single_pairs(["a", "b"], ["x", "y", "z"], count=3)
    [(('a',), ('x',)), (('b',), ('y',)), (('a',), ('z',))]

    Raises:
        ConfigError: so few leave a modality or a task out, or there are not so many.
    """
    m, t = len(modalities), len(tasks)
    least, most = max(m, t), m * t
    if not least <= count <= most:
        raise ConfigError(
            f"{count} pairs of {m} modalities and {t} tasks; allowed: {least}, so that all of them "
            f"have holders, to {most}"
        )
    steps = [divmod(k, least) for k in range(count)]
    places = [(k + s, k) if t >= m else (k, k + s) for s, k in steps]
    return [((modalities[i % m],), (tasks[j % t],)) for i, j in places]


def subsets(items: Sequence[str]) -> list[Held]:
    """Return all non-empty subsets, small ones first.

    >>> subsets(["a", "b"])
    [('a',), ('b',), ('a', 'b')]
    """
    return [s for size in range(1, len(items) + 1) for s in combinations(items, size)]


def modality_availability(
    modalities: Sequence[str],
    *,
    clients: int,
    probability: float = 1.0,
    patterns: Sequence[Held] = (),
    rng: np.random.Generator,
) -> list[Held]:
    """Return the modalities of each client.

    Args:
        modalities: names, in order.
        clients: how many.
        probability: of a client having a modality, independently; a client left without any
            draws again. Ignored where there are patterns.
        patterns: subsets that are dealt out equally often, such as [("audio",), ("image",)].
        rng: source of the draws.

    Raises:
        ConfigError: a pattern is empty or names an unknown modality, or the probability is not
            in (0, 1].
    """
    if patterns:
        return _patterns(modalities, patterns, clients, rng)
    if not 0 < probability <= 1:
        raise ConfigError(f"probability must be above 0 and at most 1, got {probability}")
    held = rng.random((clients, len(modalities))) < probability
    while not held.any(1).all():
        empty = ~held.any(1)
        held[empty] = rng.random((int(empty.sum()), len(modalities))) < probability
    return [tuple(np.array(modalities)[row].tolist()) for row in held]


def task_assignment(
    tasks: Sequence[str],
    *,
    clients: int,
    per_client: int = 1,
    patterns: Sequence[Held] = (),
    rng: np.random.Generator,
) -> list[Held]:
    """Return the tasks of each client: `per_client` of them, every task equally often, or the
    patterns dealt out equally often.

    Raises:
        ConfigError: a client is to have no task or more than there are, or a pattern is wrong.
    """
    if patterns:
        return _patterns(tasks, patterns, clients, rng)
    if not 1 <= per_client <= len(tasks):
        raise ConfigError(f"{per_client} tasks per client; allowed: 1 to {len(tasks)}")
    first = _dealt(len(tasks), clients, rng)
    return [
        tuple(tasks[k] for k in sorted((i + step) % len(tasks) for step in range(per_client)))
        for i in first
    ]


def uneven(
    patterns: Sequence[Held], *, clients: int, alpha: float, rng: np.random.Generator
) -> list[Held]:
    """Return each client's pattern, drawn from shares of the patterns ~ Dir(alpha): small alpha
    means that one pattern is nearly everybody's. Redrawn until every name has a holder.

    Args:
        patterns: subsets of the names, such as [("audio",), ("audio", "image")].
        clients: how many.
        alpha: concentration, above 0.
        rng: source of the draws.

    Raises:
        ConfigError: alpha is not above 0, or no draw leaves every name a holder.
    """
    if not alpha > 0:
        raise ConfigError(f"alpha must be above 0, got {alpha}")
    names = set().union(*patterns)
    for _ in range(_REDRAWS):
        shares = rng.dirichlet(np.full(len(patterns), alpha))
        held = [patterns[k] for k in rng.choice(len(patterns), size=clients, p=shares)]
        if set().union(*held) == names:
            return held
    raise ConfigError(
        f"no draw in {_REDRAWS} gives every one of {', '.join(sorted(names))} a holder among "
        f"{clients} clients; raise alpha or the number of clients"
    )


def matrix(held: Sequence[Held], names: Sequence[str]) -> NDArray[np.int64]:
    """Return client x name of 0 and 1: who holds what.

    >>> matrix([("a",), ("a", "b")], ["a", "b"]).tolist()
    [[1, 0], [1, 1]]
    """
    return np.array([[int(name in own) for name in names] for own in held])


def _patterns(
    names: Sequence[str], patterns: Sequence[Held], clients: int, rng: np.random.Generator
) -> list[Held]:
    for pattern in patterns:
        if not pattern or not set(pattern) <= set(names):
            raise ConfigError(
                f"pattern {pattern} must name one or more of {', '.join(names)}, nothing else"
            )
    return [tuple(patterns[i]) for i in _dealt(len(patterns), clients, rng)]


def _dealt(kinds: int, clients: int, rng: np.random.Generator) -> list[int]:
    """Return a kind per client: every kind as often as every other, shuffled."""
    decks = [rng.permutation(kinds) for _ in range(-(-clients // kinds))]
    return [int(kind) for kind in np.concatenate(decks)[:clients]]
