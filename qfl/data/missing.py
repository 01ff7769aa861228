"""Samples that lack a modality: exactly as many as asked for, by chance, by class or by client.

Labels and clients only order the samples; what they hold is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError

Mechanism = Literal["random", "class", "client"]
"""random: the same share at every client; class, client: of some classes or clients all, of others
none."""


def lacking(
    modalities: Sequence[str],
    parts: Sequence[NDArray[np.intp]],
    *,
    share: float,
    mechanism: Mechanism,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> Mapping[str, NDArray[np.bool_]]:
    """Return modality -> (n,) False where a sample lacks it. An incomplete sample lacks exactly
    one, and every modality is lacking equally often, to a sample.

    Args:
        modalities: names, in order.
        parts: rows of each client; all other samples are complete.
        share: of the rows in `parts`, how many are incomplete, 0 to 1.
        mechanism: which ones.
        labels: (n,) classes.
        rng: source of the draws.

    Raises:
        ConfigError: the share is not in 0..1, or a single modality is to be lacking.

    >>> masks = lacking(["a", "b"], [np.arange(10)], share=0.4, mechanism="random",
    ...                 labels=np.zeros(12, int), rng=np.random.default_rng(0))
    >>> [int((~mask).sum()) for mask in masks.values()]
    [2, 2]
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share of samples that lack a modality lies in 0..1, got {share}")
    if share and len(modalities) < 2:
        raise ConfigError(f"samples with {', '.join(modalities)} alone cannot lack it")
    rows = np.concatenate(parts)
    order = rows[np.argsort(_priority(parts, mechanism, labels, rng), kind="stable")]
    incomplete = order[: round(share * len(rows))]
    masks = {}
    for name, lost in zip(modalities, np.array_split(incomplete, len(modalities)), strict=True):
        masks[name] = np.ones(len(labels), dtype=np.bool_)
        masks[name][lost] = False
    return masks


def _priority(
    parts: Sequence[NDArray[np.intp]],
    mechanism: Mechanism,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return a number per row of `parts`: those with small ones lose a modality first."""
    sizes = [len(part) for part in parts]
    jitter = rng.random(sum(sizes))
    match mechanism:
        case "random":  # evenly spread ranks inside a client: every client loses the same share
            ranks = [rng.permutation(size) for size in sizes]
            return np.concatenate(
                [
                    (rank + offset) / size
                    for rank, offset, size in zip(ranks, rng.random(len(parts)), sizes, strict=True)
                ]
            )
        case "class":
            present = labels[np.concatenate(parts)]
            place = np.argsort(rng.permutation(int(present.max()) + 1))
            return place[present] + jitter
        case "client":
            place = rng.permutation(len(parts))
            return np.repeat(place, sizes) + jitter
    raise UnknownNameError("mechanism", mechanism, get_args(Mechanism))
