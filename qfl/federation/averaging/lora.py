"""Averaging of LoRA factors: what a mean of factors misses, and four rules that miss less.

A LoRA pair adds `up @ down` to a matrix. The mean of the products is what federated averaging wants
of it; the product of the means is what it gets from averaging factors. Only numpy is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, ModuleMismatchError
from qfl.core.update import Update

Matrix = NDArray[np.float64]

_UP, _DOWN = "_up.weight", "_down.weight"
ROW = 3.0**-0.5
"""Length of a row of `down` as it begins; rows of components that carry nothing keep it, for a pair
of zeros would never learn again."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The factors of one adapted matrix.

    Attributes:
        up: (out, rank).
        down: (rank, in).
    """

    up: Matrix
    down: Matrix

    def __post_init__(self) -> None:
        if self.up.ndim != 2 or self.down.ndim != 2 or self.up.shape[1] != self.down.shape[0]:
            raise ModuleMismatchError(
                f"factors of shapes {self.up.shape} and {self.down.shape} are no pair; "
                "allowed: (out, rank) and (rank, in)"
            )
        if not (np.isfinite(self.up).all() and np.isfinite(self.down).all()):
            raise ModuleMismatchError("a LoRA pair holds NaN or infinity and was not merged")

    @property
    def rank(self) -> int:
        """Number of rank-one terms."""
        return len(self.down)

    @property
    def product(self) -> Matrix:
        """(out, in): what the pair adds."""
        return self.up @ self.down

    def first(self, rank: int) -> Pair:
        """Return the first `rank` terms, padded with terms of zeros if there are fewer."""
        missing = max(0, rank - self.rank)
        up = np.pad(self.up[:, :rank], ((0, 0), (0, missing)))
        return Pair(up, np.pad(self.down[:rank], ((0, missing), (0, 0))))


def stacked(pairs: Sequence[Pair], shares: Sequence[float]) -> Pair:
    """Return a pair of rank sum(r_i) whose product is the mean product, exactly.

    Args:
        pairs: of any ranks, for one matrix.
        shares: of the pairs in the mean, summing to 1.

    Reference: Wang et al., FLoRA, arXiv:2409.05976, equation 6.

    >>> ones = Pair(np.ones((2, 1)), np.ones((1, 2)))
    >>> stacked([ones, ones], [0.25, 0.75]).product.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    _check(pairs, shares)
    up = np.concatenate([w * pair.up for pair, w in zip(pairs, shares, strict=True)], axis=1)
    return Pair(up, np.concatenate([pair.down for pair in pairs]))


def averaged(pairs: Sequence[Pair], shares: Sequence[float]) -> Pair:
    """Return the mean of each factor, smaller ranks padded with zeros; see `aggregation_error`.

    Reference: Zhang et al., FedIT, arXiv:2305.05644; Cho et al., HetLoRA, arXiv:2401.06432.
    """
    rank = _check(pairs, shares)
    padded = [pair.first(rank) for pair in pairs]
    return Pair(
        sum((w * p.up for p, w in zip(padded, shares, strict=True)), np.zeros(())),
        sum((w * p.down for p, w in zip(padded, shares, strict=True)), np.zeros(())),
    )


def partitioned(pairs: Sequence[Pair], shares: Sequence[float]) -> Pair:
    """Return the mean of each rank-one term's factors over the pairs that have the term.

    Padding with zeros shrinks the terms that few clients have; this does not.

    Reference: raFLoRA, arXiv:2602.13486 (rank-partitioned aggregation).
    """
    rank = _check(pairs, shares)
    total = averaged(pairs, shares)
    held = np.array([[pair.rank > term for term in range(rank)] for pair in pairs])
    weight = np.asarray(shares) @ held
    return Pair(total.up / weight, total.down / weight[:, None])


def decomposed(pairs: Sequence[Pair], shares: Sequence[float]) -> Pair:
    """Return the pair of the largest rank among `pairs` that is nearest to the mean product.

    Its terms stand in descending order, so that the first r of them are the nearest pair of rank r.
    What is lost is the norm of the discarded singular values.

    Reference: Bai et al., FlexLoRA, arXiv:2402.11505; Eckart & Young 1936.
    """
    rank = _check(pairs, shares)
    whole = stacked(pairs, shares)
    left, upper = np.linalg.qr(whole.up)
    right, lower = np.linalg.qr(whole.down.T)
    u, values, v = np.linalg.svd(upper @ lower.T)
    kept = min(rank, len(values))
    down_lengths = np.maximum(np.sqrt(values[:kept]), ROW)
    up = (left @ u[:, :kept]) * (values[:kept] / down_lengths)
    return Pair(up, down_lengths[:, None] * (right @ v.T[:, :kept]).T).first(rank)


RULES: Mapping[str, Callable[[Sequence[Pair], Sequence[float]], Pair]] = MappingProxyType(
    {
        "average": averaged,
        "partition": partitioned,
        "decompose": decomposed,
        "stack": stacked,
    }
)
"""How pairs are merged, by name."""


def aggregation_error(pairs: Sequence[Pair], shares: Sequence[float], merged: Pair) -> float:
    """Return ||mean product - merged product||_F / ||mean product||_F; 0 if both are 0.

    For averaged factors of one rank the numerator is the norm of their weighted covariance,
    sum_i w_i (up_i - mean up)(down_i - mean down), which vanishes when the downs are equal.

    >>> left = Pair(np.array([[1.0], [0.0]]), np.array([[1.0, 0.0]]))
    >>> right = Pair(np.array([[0.0], [1.0]]), np.array([[0.0, 1.0]]))
    >>> half = [0.5, 0.5]
    >>> round(aggregation_error([left, right], half, averaged([left, right], half)), 3)
    0.707
    """
    wanted = stacked(pairs, shares).product
    missed = float(np.linalg.norm(wanted - merged.product))
    size = float(np.linalg.norm(wanted))
    return missed / size if size else float(missed > 0)


def pair_names(matrix: str) -> tuple[str, str]:
    """Return the names of the two tensors that adapt a matrix.

    >>> pair_names("query")
    ('query_up.weight', 'query_down.weight')
    """
    return matrix + _UP, matrix + _DOWN


def pairs_of(updates: Sequence[Update], module: str, matrix: str) -> list[Pair]:
    """Return the pair of a matrix from each of `updates`, all of which hold `module` whole."""
    names = pair_names(matrix)
    return [Pair(*(_double(update.modules[module][name]) for name in names)) for update in updates]


def shares_of(updates: Sequence[Update], module: str) -> list[float]:
    """Return what each update weighs in the mean of a module that all of them hold."""
    counts = np.array([update.samples[module] for update in updates], dtype=np.float64)
    return list(counts / counts.sum())


def multiplied(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, Matrix]:
    """Return tensors with the product in place of every pair, which has one shape for all ranks.

    >>> up, down = np.ones((2, 1), np.float32), np.ones((1, 3), np.float32)
    >>> multiplied({"query_down.weight": down, "query_up.weight": up})["query"].shape
    (2, 3)
    """
    found = {name: _double(tensor) for name, tensor in tensors.items()}
    for name in [name for name in found if name.endswith(_UP)]:
        matrix = name.removesuffix(_UP)
        if matrix + _DOWN in found:
            found[matrix] = found.pop(name) @ found.pop(matrix + _DOWN)
    return found


def _double(array: NDArray[np.float32]) -> Matrix:
    return array.astype(np.float64)


def _check(pairs: Sequence[Pair], shares: Sequence[float]) -> int:
    """Return the largest rank of pairs that can be merged."""
    shapes = {(len(pair.up), pair.down.shape[1]) for pair in pairs}
    if len(shapes) != 1 or len(pairs) != len(shares):
        raise ModuleMismatchError(
            f"{len(pairs)} pairs for matrices of shapes {sorted(shapes)} and {len(shares)} shares; "
            "allowed: at least one pair, one shape, one share each"
        )
    if not (min(shares) >= 0 and abs(sum(shares) - 1) < 1e-9):
        raise ConfigError(f"shares must be >= 0 and sum to 1, got {list(shares)}")
    return max(pair.rank for pair in pairs)
