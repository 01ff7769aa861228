"""The operations of the exact engines on whole arrays: numpy on the host, torch on a GPU.

Index tables take the place of loops, so this is the slower form, and the reference for the kernels.
The same lines run on both libraries; the few calls that differ are fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.simulators.combinations import binomials, rank, unrank
from qfl.simulators.memory import free_bytes
from qfl.simulators.objectives import contract

Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ArrayOperations:
    """Operations on arrays of one library.

    Attributes:
        array: numpy array -> array of the library, on its device.
        host: the way back.
        exp, copy: of arrays of the library.
    """

    array: Callable[[NDArray[Any]], Any]
    host: Callable[[Any], NDArray[Any]]
    exp: Callable[[Any], Any]
    copy: Callable[[Any], Any]
    lanes = 1

    def columns(self, psi: Any, at: NDArray[np.intp]) -> Any:
        few = psi[:, :, : len(at)]
        found = self.copy(few.reshape(-1)).reshape(few.shape)
        found[:] = psi[:, :, at]
        return found

    def weigh(self, pair: Any, factors: Floats) -> None:
        pair[1] = pair[0] * self.array(factors.astype(_real(pair)))

    def project(self, bra: Any, psi: Any) -> Any:
        return (bra[:, None] * psi).sum(0)

    def lower(self, psi: Any, n: int, k: int, room: Any | None = None) -> Any:
        rows = added(n, k)
        w = psi[:, self.array(rows[0])]
        for row in rows[1:]:
            w += psi[:, self.array(row)]
        return w

    def lift(self, w: Any, psi: Any, n: int, k: int) -> None:
        for row in removed(n, k):
            psi += w[:, self.array(row)]

    def rotate(self, psi: Any, n: int, k: int, edge: tuple[int, int], angles: Floats) -> None:
        one, two = (self.array(ranks) for ranks in exchanged(n, k, edge))
        x, y = psi[:, one], psi[:, two]
        cos, sin = self._cos_sin(angles, psi)
        psi[:, one] = cos * x - 1j * sin * y
        psi[:, two] = cos * y - 1j * sin * x

    def rotate_back(
        self, pair: Any, n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> Floats:
        one, two = (self.array(ranks) for ranks in exchanged(n, k, edge))
        psi, lam = pair[0], pair[1]
        products = lam[:, one].conj() * psi[:, two] + lam[:, two].conj() * psi[:, one]
        overlaps = self.host(products.sum((0, 1))).imag
        for states in (psi, lam):
            self.rotate(states, n, k, edge, -angles)
        return overlaps

    def hop(self, psi: Any, image: Any, n: int, k: int, edge: tuple[int, int]) -> None:
        one, two = (self.array(ranks) for ranks in exchanged(n, k, edge))
        image[:, one] += psi[:, two]
        image[:, two] += psi[:, one]

    def turn(self, psi: Any, costs: Any, angles: Floats) -> None:
        psi *= self.exp(-1j * costs[:, None] * self.array(angles))

    def turn_back(self, pair: Any, costs: Any, angles: Floats, *, last: bool = False) -> Floats:
        products = costs[:, None] * pair[1].conj() * pair[0]
        if not last:
            for states in (pair[0], pair[1]):
                self.turn(states, costs, -angles)
        return np.asarray(self.host(products.sum(0)).imag)

    def field(self, psi: Any, start: Any, costs: Any, angles: Floats) -> Floats:
        psi[:] = start[:, None]
        for gammas, betas in angles.transpose(2, 1, 0).copy():
            self.turn(psi, costs, gammas)
            self._flip(psi, betas)
        return self.means(psi, costs)

    def field_back(self, pair: Any, costs: Any, angles: Floats) -> Floats:
        found = np.empty(angles.shape)
        for layer in reversed(range(angles.shape[2])):
            gammas, betas = angles[:, :, layer].T.copy()
            found[:, 1, layer] = self._flip_back(pair, betas)
            found[:, 0, layer] = self.turn_back(pair, costs, gammas, last=layer == 0)
        return found

    def _flip(self, psi: Any, angles: Floats) -> None:
        cos, sin = self._cos_sin(angles, psi)
        for part in _halves(psi):
            x, y = self.copy(part[:, 0]), self.copy(part[:, 1])
            part[:, 0] = cos * x - sin * y
            part[:, 1] = cos * y + sin * x

    def _flip_back(self, pair: Any, angles: Floats) -> Floats:
        overlaps = np.zeros(len(angles))
        for psi, lam in zip(_halves(pair[0]), _halves(pair[1]), strict=True):
            products = lam[:, 1].conj() * psi[:, 0] - lam[:, 0].conj() * psi[:, 1]
            overlaps += self.host(products.sum((0, 1))).real
        for states in (pair[0], pair[1]):
            self._flip(states, -angles)
        return overlaps

    def means(self, psi: Any, costs: Any) -> Floats:
        return contract(self.host(costs), self.densities(psi))

    def densities(self, psi: Any) -> Floats:
        return np.asarray(self.host(abs(psi)), dtype=np.float64) ** 2

    def _cos_sin(self, angles: Floats, psi: Any) -> tuple[Any, Any]:
        cos, sin = np.cos(angles).astype(_real(psi)), np.sin(angles).astype(_real(psi))
        return self.array(cos), self.array(sin)


def on_host() -> ArrayOperations:
    """Return the operations on numpy arrays."""
    return ArrayOperations(array=np.asarray, host=np.asarray, exp=np.exp, copy=np.copy)


def on_gpu() -> ArrayOperations:
    """Return the operations on torch tensors of the first GPU.

    Raises:
        BackendError: torch sees no GPU.
    """
    free_bytes("cuda")
    return on_torch("cuda")


def on_torch(device: str) -> ArrayOperations:
    """Return the operations on torch tensors of `device`."""
    import torch

    return ArrayOperations(
        array=lambda values: torch.as_tensor(np.require(values, requirements="W"), device=device),
        host=lambda values: np.asarray(values.cpu()),
        exp=torch.exp,
        copy=torch.clone,
    )


def _real(psi: Any) -> type[np.floating[Any]]:
    """Return the real type of complex amplitudes; both libraries know their item size."""
    return np.float32 if psi.itemsize == 8 else np.float64


def _halves(psi: Any) -> list[Any]:
    """Return views (high, 2, low, columns) of psi (2^n, columns), one per qubit."""
    qubits = len(psi).bit_length() - 1
    return [psi.reshape(-1, 2, 1 << qubit, psi.shape[-1]) for qubit in range(qubits)]


@lru_cache(maxsize=16)
def removed(n: int, k: int) -> Ranks:
    """Return the rank of every k-subset without its j-th element, shape (k, C(n, k))."""
    rows = unrank(n, k, np.arange(binomials(n, k)[n, k]))
    return _changed(rows, np.nonzero(rows)[1].reshape(-1, k).T)


@lru_cache(maxsize=16)
def added(n: int, k: int) -> Ranks:
    """Return the rank of every (k-1)-subset with its j-th absentee, (n - k + 1, C(n, k-1))."""
    rows = unrank(n, k - 1, np.arange(binomials(n, k)[n, k - 1]))
    return _changed(rows, np.nonzero(1 - rows)[1].reshape(-1, n - k + 1).T)


@lru_cache(maxsize=64)
def exchanged(n: int, k: int, edge: tuple[int, int]) -> tuple[Ranks, Ranks]:
    """Return the ranks of the k-subsets with a and without b, and with b in place of a."""
    a, b = edge
    rows = unrank(n, k, np.arange(binomials(n, k)[n, k]))
    one = np.flatnonzero(rows[:, a] > rows[:, b])
    swapped = rows[one]
    swapped[:, [a, b]] = swapped[:, [b, a]]
    return one, rank(swapped)


def _changed(rows: NDArray[np.uint8], elements: Ranks) -> Ranks:
    """Return the ranks of `rows` after toggling, for each line of `elements`, one per row."""
    ranks, at = np.empty(elements.shape, dtype=np.int64), np.arange(len(rows))
    for line, element in zip(ranks, elements, strict=True):
        toggled = rows.copy()
        toggled[at, element] ^= 1
        line[:] = rank(toggled)
    return ranks
