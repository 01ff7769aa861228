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
_ROUNDING = 1e-9


def lacking(
    modalities: Sequence[str],
    parts: Sequence[NDArray[np.intp]],
    *,
    share: float | Sequence[float],
    mechanism: Mechanism,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> Mapping[str, NDArray[np.bool_]]:
    """Return modality -> (n,) False where a sample lacks it. An incomplete sample lacks exactly
    one, and every modality is lacking as often as asked for, to a sample.

    Args:
        modalities: names, in order.
        parts: rows of each client; all other samples are complete.
        share: of the rows in `parts`, how many are incomplete, 0 to 1, every modality lacking
            equally often; or how many lack each modality, one number per modality.
        mechanism: which ones.
        labels: (n,) classes.
        rng: source of the draws.

    Raises:
        ConfigError: the share, or the sum of shares, is not in 0..1; there are more or fewer
            shares than modalities; or a single modality is to be lacking.

    >>> masks = lacking(["a", "b"], [np.arange(10)], share=0.4, mechanism="random",
    ...                 labels=np.zeros(12, int), rng=np.random.default_rng(0))
    >>> [int((~mask).sum()) for mask in masks.values()]
    [2, 2]
    """
    rows = np.concatenate(parts)
    ends = np.cumsum(_counts(modalities, share, len(rows)))
    order = rows[np.argsort(_priority(parts, mechanism, labels, rng), kind="stable")]
    masks = {}
    for name, lost in zip(modalities, np.split(order, ends)[:-1], strict=True):
        masks[name] = np.ones(len(labels), dtype=np.bool_)
        masks[name][lost] = False
    return masks


def _counts(modalities: Sequence[str], share: float | Sequence[float], n: int) -> NDArray[np.intp]:
    """Return how many of `n` samples lack each modality."""
    one = isinstance(share, int | float)
    each = np.atleast_1d(np.asarray(share, dtype=np.float64))
    if each.min() < 0 or each.sum() > 1 + _ROUNDING or not (one or len(each) == len(modalities)):
        raise ConfigError(
            "the share of samples that lack a modality lies in 0..1, and so does the sum of "
            f"shares, one for each of {', '.join(modalities)}; got {share}"
        )
    if each.any() and len(modalities) < 2:
        raise ConfigError(f"samples with {', '.join(modalities)} alone cannot lack it")
    totals = np.round(n * np.cumsum(each)).astype(np.intp)
    if one:
        return np.array([len(p) for p in np.array_split(np.arange(totals[0]), len(modalities))])
    return np.diff(totals, prepend=0)


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
