"""Blocks of variables with a fixed number of ones, and the costs of all their states.

There are two orders of states: the outer one, of `rows`, which everybody sees; and the inner one of
the engine, where a block with more ones than zeros is kept as the subsets of its zeros, which the
mixers do not notice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import ProblemError
from qfl.simulators.combinations import unrank
from qfl.simulators.operations import Floats, Operations


@dataclass(frozen=True, slots=True)
class Block:
    """Variables of which `ones` are 1, kept as the subsets of size `weight` <= n/2.

    Attributes:
        pairs: of positions (a, b), a < b, that an XY mixer couples, in its order.
    """

    variables: tuple[int, ...]
    ones: int
    pairs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def all_of(cls, ansatz: QaoaAnsatz) -> tuple[Block, ...]:
        """Return the blocks of an ansatz."""
        coupled = ansatz.mixer.startswith("xy")
        return tuple(
            cls(*block, tuple((min(e), max(e)) for e in ansatz.edges(i)) if coupled else ())
            for i, block in enumerate(ansatz.blocks)
        )

    @property
    def n(self) -> int:
        """Number of variables."""
        return len(self.variables)

    @property
    def flipped(self) -> bool:
        """Whether the subsets kept are those of the zeros."""
        return 2 * self.ones > self.n

    @property
    def weight(self) -> int:
        """Size of the subsets kept."""
        return self.n - self.ones if self.flipped else self.ones

    @property
    def size(self) -> int:
        """Number of states."""
        return math.comb(self.n, self.ones)

    def bits(self, ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the values of the variables in states of the inner order, (len(ranks), n)."""
        subsets = unrank(self.n, self.weight, ranks)
        return 1 - subsets if self.flipped else subsets


def rows(blocks: tuple[Block, ...], ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the allowed states at these places of the outer order, (len(ranks), n).

    Block 0 varies fastest, and inside a block states ascend as the integers sum_i x_i 2^i.

    >>> rows((Block((0, 2), 1), Block((1,), 0)), np.arange(2)).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    found = np.empty((len(ranks), sum(block.n for block in blocks)), dtype=np.uint8)
    for block in blocks:
        ranks, within = np.divmod(ranks, block.size)
        inner = block.size - 1 - within if block.flipped else within
        found[:, block.variables] = block.bits(inner)
    return found


def checked_start(
    amplitudes: NDArray[np.complex128] | None, size: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return a warm start of `size` amplitudes, checked, or the uniform state if it is None.

    The uniform state takes no memory: it is one number, broadcast.

    Raises:
        ProblemError: not `size` finite amplitudes of norm 1.
    """
    if amplitudes is None:
        return np.broadcast_to(np.asarray(size**-0.5, dtype), size)
    start = np.asarray(amplitudes, dtype=np.complex128)
    if start.shape != (size,) or not np.isfinite(start).all():
        raise ProblemError(
            f"a warm start needs {size} finite amplitudes, one per allowed state, "
            f"got shape {start.shape}"
        )
    norm = float(np.linalg.norm(start))
    if abs(norm - 1) > 1e-9:
        raise ProblemError(
            f"a warm start needs amplitudes of norm 1, got {norm:.9g}; take the square roots of "
            "probabilities that sum to 1"
        )
    return start.astype(dtype)


def quadratic_costs(
    blocks: tuple[Block, ...], ansatz: QaoaAnsatz, operations: Operations
) -> Floats:
    """Return the cost of every state of the inner order, shape (states,)."""
    both = ansatz.quadratic + ansatz.quadratic.T
    total = np.full([block.size for block in reversed(blocks)], ansatz.constant)
    bits = [block.bits(np.arange(block.size)) for block in blocks] if len(blocks) > 1 else []
    for i, block in enumerate(blocks):
        at = list(block.variables)
        own = _block_costs(block, ansatz.linear[at], both[np.ix_(at, at)], operations)
        total += own.reshape(-1, *[1] * i)
        for j, other in enumerate(blocks[:i]):
            coupling = bits[i] @ both[np.ix_(at, other.variables)] @ bits[j].T
            total += coupling.reshape(block.size, *[1] * (i - j - 1), other.size, *[1] * j)
    return total.reshape(-1)


def _block_costs(block: Block, linear: Floats, both: Floats, operations: Operations) -> Floats:
    """Return the cost of every state of one block: lifts of the costs of its pairs."""
    n, k, constant = block.n, block.weight, 0.0
    if block.flipped:  # x = 1 - y
        constant = float(linear.sum() + both.sum() / 2)
        linear = -linear - both.sum(1)
    if k < 2:
        return constant + (linear if k else np.zeros(1))
    pairs = unrank(n, 2, np.arange(math.comb(n, 2)))
    first, second = np.nonzero(pairs)[1].reshape(-1, 2).T
    costs = both[first, second] + (linear[first] + linear[second]) / (k - 1)
    lifted = operations.array(costs.astype(np.complex128)[None, :, None])
    for weight in range(3, k + 1):
        smaller = lifted
        lifted = operations.array(np.zeros((1, math.comb(n, weight), 1), dtype=np.complex128))
        operations.lift(smaller, lifted, n, weight)
    return constant + np.asarray(operations.host(lifted)).real.ravel() / math.factorial(k - 2)
