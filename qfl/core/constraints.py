"""What makes a decision feasible: each constraint counts, samples, enumerates and measures.

A constraint that fixes the number of ones in disjoint blocks of variables also says so through
`blocks`, because a mixer can then preserve it exactly and no penalty is needed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ProblemError

Blocks = tuple[tuple[tuple[int, ...], int], ...]
"""Disjoint blocks of variables with their fixed number of ones: ((variables, ones), ...)."""


class Constraint(Protocol):
    """The set of feasible x among {0, 1}^n."""

    def check(self, n: int) -> None:
        """Raise ProblemError if this constraint makes no sense over n variables."""

    def feasible_count(self, n: int) -> int:
        """Return how many x are feasible."""

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return `size` feasible x drawn uniformly, shape (size, n)."""

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return how far each x of shape (..., n) is from feasible; 0 means feasible."""

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        """Yield every feasible x in chunks of shape (m, n), in a fixed order."""

    def blocks(self, n: int) -> Blocks:
        """Return the blocks whose weights are fixed; empty if a mixer cannot keep it."""


@dataclass(frozen=True, slots=True)
class Exactly:
    """Exactly `k` of all variables are 1."""

    k: int

    def check(self, n: int) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer):
            raise ProblemError(f"k must be a whole number in 0..{n}, got {self.k!r}")
        if not 0 <= self.k <= n:
            raise ProblemError(f"cannot choose {self.k} of {n}; k must lie in 0..{n}")

    def feasible_count(self, n: int) -> int:
        return math.comb(n, self.k)

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        chosen = np.argsort(rng.random((size, n)), axis=1)[:, : self.k]
        x = np.zeros((size, n), dtype=np.uint8)
        np.put_along_axis(x, chosen, 1, axis=1)
        return x

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        return np.abs(np.asarray(x, dtype=np.float64).sum(-1) - self.k)

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        return _indicators(itertools.combinations(range(n), self.k), n)

    def blocks(self, n: int) -> Blocks:
        return ((tuple(range(n)), self.k),)


@dataclass(frozen=True, slots=True)
class OneHot:
    """Exactly one variable of every group is 1; the groups partition the variables."""

    groups: tuple[tuple[int, ...], ...]

    def check(self, n: int) -> None:
        listed = sorted(variable for group in self.groups for variable in group)
        if listed != list(range(n)) or not all(self.groups):
            raise ProblemError(
                f"one-hot groups must be non-empty and hold each of 0..{n - 1} once, got {listed}"
            )

    def feasible_count(self, n: int) -> int:
        return math.prod(len(group) for group in self.groups)

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        x = np.zeros((size, n), dtype=np.uint8)
        for group in self.groups:
            x[np.arange(size), np.asarray(group)[rng.integers(len(group), size=size)]] = 1
        return x

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        bits = np.asarray(x, dtype=np.float64)
        parts = [np.abs(bits[..., list(group)].sum(-1) - 1) for group in self.groups]
        return np.sum(parts, axis=0)

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        return _indicators(itertools.product(*self.groups), n)

    def blocks(self, n: int) -> Blocks:
        return tuple((group, 1) for group in self.groups)


@dataclass(frozen=True, slots=True)
class ExactlyEach:
    """Exactly `ones` of the variables of every block are 1: a product of Exactly and OneHot.

    Such x are the bases of a partition matroid.

    Attributes:
        parts: ((variables, ones), ...); the blocks partition the variables.

    >>> pairs = ExactlyEach((((0, 1, 2, 3), 2), ((4, 5), 1)))
    >>> pairs.feasible_count(6), pairs.violation([1, 1, 0, 0, 1, 1]).tolist()
    (12, 1.0)
    """

    parts: Blocks

    def __post_init__(self) -> None:
        parts = tuple((tuple(variables), ones) for variables, ones in self.parts)
        object.__setattr__(self, "parts", parts)

    def check(self, n: int) -> None:
        listed = sorted(variable for variables, _ in self.parts for variable in variables)
        if listed != list(range(n)) or not all(variables for variables, _ in self.parts):
            raise ProblemError(
                f"blocks must be non-empty and hold each of 0..{n - 1} once, got {listed}"
            )
        for variables, ones in self.parts:
            Exactly(ones).check(len(variables))

    def feasible_count(self, n: int) -> int:
        return math.prod(math.comb(len(variables), ones) for variables, ones in self.parts)

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        x = np.zeros((size, n), dtype=np.uint8)
        for variables, ones in self.parts:
            x[:, variables] = Exactly(ones).sample(len(variables), size, rng)
        return x

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        bits = np.asarray(x, dtype=np.float64)
        parts = [np.abs(bits[..., list(block)].sum(-1) - ones) for block, ones in self.parts]
        return np.sum(parts, axis=0)

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        choices = (itertools.combinations(variables, ones) for variables, ones in self.parts)
        together = (tuple(itertools.chain(*each)) for each in itertools.product(*choices))
        return _indicators(together, n)

    def blocks(self, n: int) -> Blocks:
        return self.parts


@dataclass(frozen=True, slots=True)
class AtMost:
    """The weighted sum of the chosen variables stays within a budget: weights . x <= budget."""

    weights: tuple[float, ...]
    budget: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))

    def check(self, n: int) -> None:
        if len(self.weights) != n or not all(0 <= weight < math.inf for weight in self.weights):
            raise ProblemError(
                f"a budget over {n} variables needs {n} non-negative weights, got {self.weights}"
            )
        if not self.budget >= 0:
            raise ProblemError(f"the budget must be >= 0, got {self.budget}")

    def feasible_count(self, n: int) -> int:
        return sum(len(chunk) for chunk in self.enumerate(n))

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        kept: list[NDArray[np.uint8]] = []
        missing = size
        while missing > 0:  # x = 0 is always feasible, so this ends
            draw = rng.integers(0, 2, size=(max(64, 2 * missing), n), dtype=np.uint8)
            kept.append(draw[self.violation(draw) == 0][:missing])
            missing -= len(kept[-1])
        return np.concatenate(kept) if kept else np.zeros((0, n), dtype=np.uint8)

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        excess = np.asarray(x, dtype=np.float64) @ np.array(self.weights) - self.budget
        return np.where(excess > 1e-9 * max(1.0, self.budget), excess, 0.0)

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        for chunk in Unconstrained().enumerate(n):
            yield chunk[self.violation(chunk) == 0]

    def blocks(self, n: int) -> Blocks:
        return ()


@dataclass(frozen=True, slots=True)
class Unconstrained:
    """Every x is feasible."""

    def check(self, n: int) -> None:
        if n < 1:
            raise ProblemError(f"a problem needs at least one variable, got {n}")

    def feasible_count(self, n: int) -> int:
        return 2**n

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        return rng.integers(0, 2, size=(size, n), dtype=np.uint8)

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        return np.zeros(np.asarray(x).shape[:-1])

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, 2**n, _CHUNK):
            index = np.arange(start, min(start + _CHUNK, 2**n))
            yield ((index[:, None] >> np.arange(n)) & 1).astype(np.uint8)

    def blocks(self, n: int) -> Blocks:
        return ()


Movable = Exactly | OneHot | ExactlyEach | Unconstrained
"""Constraints that swaps inside blocks, or flips where there are none, never leave."""


@dataclass(frozen=True, slots=True)
class Limited:
    """A base constraint with linear inequalities on top: every row . x <= its limit.

    A mixer keeps the blocks of the base; the inequalities must be priced or filtered.

    Attributes:
        base: one of `Movable`.
        rows: one tuple of n coefficients per inequality.
        limits: one per row.
    """

    base: Movable
    rows: tuple[tuple[float, ...], ...]
    limits: tuple[float, ...]

    def __post_init__(self) -> None:
        rows = tuple(tuple(float(entry) for entry in row) for row in self.rows)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "limits", tuple(float(limit) for limit in self.limits))

    def check(self, n: int) -> None:
        self.base.check(n)
        if len(self.rows) != len(self.limits) or any(len(row) != n for row in self.rows):
            raise ProblemError(
                f"{len(self.limits)} limits over {n} variables need as many rows of {n} "
                f"coefficients, got rows of {[len(row) for row in self.rows]}"
            )
        if not np.isfinite([*self.limits, *itertools.chain(*self.rows)]).all():
            raise ProblemError("inequalities need finite coefficients and limits")

    def feasible_count(self, n: int) -> int:
        return sum(len(chunk) for chunk in self.enumerate(n))

    def sample(self, n: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        kept = np.zeros((0, n), dtype=np.uint8)
        for _ in range(_PATIENCE):
            if len(kept) >= size:
                return kept[:size]
            draw = self.base.sample(n, max(256, 2 * size), rng)
            kept = np.concatenate([kept, draw[self.violation(draw) == 0]])
        if self.base.feasible_count(n) > _LISTED:
            raise ProblemError(
                f"of {_PATIENCE * max(256, 2 * size):,} draws only {len(kept)} satisfy all "
                "inequalities; loosen the limits"
            )
        states = np.concatenate(list(self.enumerate(n)))
        if not len(states):
            raise ProblemError("no x satisfies all inequalities; loosen the limits")
        return states[rng.integers(len(states), size=size)]

    def violation(self, x: ArrayLike) -> NDArray[np.float64]:
        bits = np.asarray(x, dtype=np.float64)
        excess = bits @ np.array(self.rows).reshape(-1, bits.shape[-1]).T - np.array(self.limits)
        tolerance = 1e-9 * np.maximum(1.0, np.abs(self.limits))
        return self.base.violation(bits) + np.where(excess > tolerance, excess, 0.0).sum(-1)

    def enumerate(self, n: int) -> Iterator[NDArray[np.uint8]]:
        for chunk in self.base.enumerate(n):
            yield chunk[self.violation(chunk) == 0]

    def blocks(self, n: int) -> Blocks:
        return self.base.blocks(n)


_CHUNK = 1 << 16
_LISTED = 1 << 20
_PATIENCE = 64


def _indicators(choices: Iterator[tuple[int, ...]], n: int) -> Iterator[NDArray[np.uint8]]:
    """Yield index tuples as 0/1 rows, `_CHUNK` rows at a time."""
    while chunk := list(itertools.islice(choices, _CHUNK)):
        x = np.zeros((len(chunk), n), dtype=np.uint8)
        np.put_along_axis(x, np.array(chunk, dtype=np.intp).reshape(len(chunk), -1), 1, axis=1)
        yield x
