"""Information-theoretic masks from shared QKD keys: what the server sees is a uniform row of sum 0.

User i adds N_i = sum_j +-H_ij S_ij, where S_ij is the key of a pair and H_ij public; the signs
make the sum vanish. A vector is cut into blocks of L symbols, a pair spends s per block.

Why no fewer symbols do, and these suffice. Let n = K - T users be honest. Their masks must be
uniform on rows of sum 0, so the honest keys, C(n,2) s symbols, must be at least (n-1) L: s/L >=
2/n. K_n splits into n/2 Hamiltonian paths for even n, and n paths cover every edge twice for odd
n; a path masks one symbol, since its keys give every user but the last a fresh one. That is s/L =
2/n with equality. For T = 0 `path_pads` is this construction. For T > 0 the same L and s work with
generic H: for each choice of honest users the determinant is a polynomial in H that the paths
show not to be zero. `coded_pads` draws H from a public stream and checks every choice.

A user that drops out is treated like a colluder: the survivors reveal its pads, which are burnt.
So dropped and colluding users together must not exceed T. The server is trusted with one thing:
to refuse vectors that arrive after pads were revealed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import frozen
from qfl.core.errors import CapacityError, ConfigError
from qfl.core.rng import Streams
from qfl.security.masking.field import largest_prime_below, rank_modulo

Pair = tuple[int, int]
_LARGEST_MODULUS_BITS = 31
_MOST_CHOICES = 20_000
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Pads:
    """Who masks what with which symbol of which pair.

    Attributes:
        name: of the construction.
        users: K.
        tolerated: T, colluding and dropped users together.
        modulus: of symbols and sums.
        coefficients: (pairs, L, s), H_ij of the pairs i < j in lexicographic order.
    """

    name: str
    users: int
    tolerated: int
    modulus: int
    coefficients: NDArray[np.int64] = field(repr=False)

    @property
    def block(self) -> int:
        """L, symbols that are masked together."""
        return int(self.coefficients.shape[1])

    @property
    def sum_bits(self) -> int:
        """Bits of the sums that it hides; symbols modulo a prime may take one more.

        >>> coded_pads(8, tolerated=2, modulus_bits=28).sum_bits
        28
        """
        return self.modulus.bit_length() - 1

    @property
    def pairs(self) -> list[Pair]:
        """All pairs i < j in the order of the coefficients."""
        return list(combinations(range(self.users), 2))

    def pair_symbols(self, length: int) -> int:
        """Return the key symbols of each pair for vectors of `length` symbols."""
        return self.blocks(length) * int(self.coefficients.shape[2])

    def blocks(self, length: int) -> int:
        """Return how many blocks a vector fills; the last one may be filled up."""
        return -(-length // self.block)

    def part(self, pair: Pair, symbols: NDArray[np.int64], *, length: int) -> NDArray[np.int64]:
        """Return what the pair's key adds to the mask of its first user, and takes from the other.

        Args:
            pair: (i, j), i < j.
            symbols: (pair_symbols(length),) the key.
            length: of the vector.
        """
        matrix = self.coefficients[self._index(pair)]
        keys = symbols.reshape(matrix.shape[1], -1)
        mask = np.zeros((self.block, keys.shape[1]), np.int64)
        for row, column in np.argwhere(matrix):
            mask[row] = (mask[row] + matrix[row, column] * keys[column]) % self.modulus
        return mask.reshape(-1)[:length]

    def _index(self, pair: Pair) -> int:
        i, j = pair
        return i * self.users - i * (i + 1) // 2 + j - i - 1


def pairwise_pads(users: int, *, tolerated: int = 0, modulus_bits: int) -> Pads:
    """Return the naive design: every pair spends one symbol per symbol, whatever is tolerated.

    >>> pairwise_pads(10, modulus_bits=20).pair_symbols(1000)
    1000
    """
    _check(users, tolerated, modulus_bits)
    ones = frozen(np.ones((comb(users, 2), 1, 1)), np.int64)
    return Pads("pairwise", users, tolerated, 1 << modulus_bits, ones)


def path_pads(users: int, *, modulus_bits: int) -> Pads:
    """Return the optimal design without colluders or dropouts: each symbol is masked along a path.

    >>> path_pads(10, modulus_bits=20).pair_symbols(1000)
    200
    """
    _check(users, 0, modulus_bits)
    return Pads("paths", users, 0, 1 << modulus_bits, _path_cover(users))


def coded_pads(users: int, *, tolerated: int, modulus_bits: int) -> Pads:
    """Return the optimal design against `tolerated` colluding or dropped users.

    Symbols are modulo the largest prime of the fewest bits that is at least 2^modulus_bits.

    Raises:
        CapacityError: too many choices of colluders to check the design against each.

    >>> coded_pads(10, tolerated=4, modulus_bits=20).pair_symbols(999)
    333
    """
    _check(users, tolerated, modulus_bits + 1)
    if comb(users, tolerated) > _MOST_CHOICES:
        raise CapacityError(
            f"{comb(users, tolerated)} choices of {tolerated} among {users} users; a design is "
            f"certified against at most {_MOST_CHOICES}: take smaller groups or pairwise_pads"
        )
    prime = largest_prime_below(1 << modulus_bits + 1)
    return Pads("coded", users, tolerated, prime, _certified(users, tolerated, prime))


def hides(pads: Pads, exposed: frozenset[int]) -> bool:
    """Return whether the other users' masks stay uniform when all keys of `exposed` are known.

    For a modulus that is a power of two this is decided modulo 2, which is the same.
    """
    honest = [user for user in range(pads.users) if user not in exposed]
    if len(honest) < 2:
        return False
    prime = pads.modulus if pads.modulus % 2 else 2
    rank = rank_modulo(_mask_matrix(pads.coefficients, pads.users, honest), prime)
    return rank == (len(honest) - 1) * pads.block


def _check(users: int, tolerated: int, modulus_bits: int) -> None:
    if users < 2 or not 0 <= tolerated <= users - 2:
        raise ConfigError(
            f"{users!r} users of whom {tolerated!r} may collude or drop out; allowed: two or "
            "more users, at most all but two"
        )
    if not 1 <= modulus_bits <= _LARGEST_MODULUS_BITS:
        raise ConfigError(
            f"symbols of {modulus_bits!r} bits; allowed: 1 to {_LARGEST_MODULUS_BITS}"
        )


def _path_cover(users: int) -> NDArray[Any]:
    """Return (pairs, L, s): symbol l is masked along the zigzag path that starts at user l.

    A zigzag l, l+1, l-1, l+2, ... steps by every distance; its rotations cover every edge twice,
    the first half of them (for an even number of users) exactly once.
    """
    block = users if users % 2 else users // 2
    rows: dict[Pair, list[int]] = {pair: [] for pair in combinations(range(users), 2)}
    for start in range(block):
        path = [
            (start + (step + 1) // 2 * (1 if step % 2 else -1)) % users for step in range(users)
        ]
        for i, j in pairwise(path):
            rows[min(i, j), max(i, j)].append(start)
    cover = np.zeros((len(rows), block, block * 2 // users), np.int64)
    for index, used in enumerate(rows.values()):
        for column, row in enumerate(used):
            cover[index, row, column] = 1
    return frozen(cover, np.int64)


@cache
def _certified(users: int, tolerated: int, prime: int) -> NDArray[Any]:
    """Return coefficients that hide against every choice of `tolerated` users."""
    honest = users - tolerated
    block, symbols = (honest, 2) if honest % 2 else (honest // 2, 1)
    shape = (comb(users, 2), block, symbols)
    for attempt in range(_ATTEMPTS):
        rng = Streams(0)("pads", users, tolerated, attempt)
        drawn = frozen(rng.integers(1, prime, shape), np.int64)
        design = Pads("coded", users, tolerated, prime, drawn)
        choices = combinations(range(users), tolerated)
        if all(hides(design, frozenset(exposed)) for exposed in choices):
            return drawn
    raise CapacityError(
        f"no design for {users} users and {tolerated} tolerated modulo {prime} found; "
        "take symbols of more bits"
    )


def _mask_matrix(
    coefficients: NDArray[np.int64], users: int, honest: list[int]
) -> NDArray[np.int64]:
    """Return the map from the honest pairs' keys to all honest masks but the last."""
    _, block, symbols = coefficients.shape
    place = {user: index for index, user in enumerate(honest)}
    pairs = list(combinations(honest, 2))
    matrix = np.zeros((len(honest), block, len(pairs), symbols), np.int64)
    order = {pair: index for index, pair in enumerate(combinations(range(users), 2))}
    for column, (i, j) in enumerate(pairs):
        matrix[place[i], :, column] = coefficients[order[i, j]]
        matrix[place[j], :, column] = -coefficients[order[i, j]]
    return matrix[:-1].reshape((len(honest) - 1) * block, -1)
