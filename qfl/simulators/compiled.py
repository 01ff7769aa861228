"""The operations of the exact engines on the processor, by numba kernels. Imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.simulators import field, kernels, kernels_subsets
from qfl.simulators.combinations import binomials
from qfl.simulators.kernels_lanes import LANES

Floats = NDArray[np.float64]


class CompiledOperations:
    """The kernels, on numpy arrays."""

    lanes = LANES

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        return values

    def host(self, values: NDArray[Any]) -> NDArray[Any]:
        return values

    def columns(self, psi: NDArray[Any], at: NDArray[np.intp]) -> NDArray[Any]:
        return psi.take(at, axis=2)

    def weigh(self, pair: NDArray[Any], factors: Floats) -> None:
        each = np.broadcast_to(factors, pair[0].shape)
        kernels.weigh(_floats(pair[0]), each, _floats(pair[1]))

    def project(self, bra: NDArray[Any], psi: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.einsum("s,sc->c", bra, psi))  # no BLAS: its threads cost more

    def lower(
        self, psi: NDArray[Any], n: int, k: int, room: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        if k == 1:
            return np.asarray(psi.sum(axis=1, keepdims=True))
        table = binomials(n, k)
        shape = (len(psi), int(table[n, k - 1]), psi.shape[2])
        w = np.empty(shape, psi.dtype) if room is None else room
        w.fill(0)
        kernels_subsets.lower(
            _floats(psi), _floats(w), len(psi), k, 2 * psi.shape[2], table, _room(k)
        )
        return w

    def lift(self, w: NDArray[Any], psi: NDArray[Any], n: int, k: int) -> None:
        if k == 1:
            psi += w
            return
        table = binomials(n, k)
        kernels_subsets.lift(
            _floats(w), _floats(psi), len(psi), k, 2 * psi.shape[2], table, _room(k)
        )

    def rotate(
        self, psi: NDArray[Any], n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> None:
        self._rotate(psi[None], n, k, edge, angles)

    def rotate_back(
        self, pair: NDArray[Any], n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> Floats:
        return self._rotate(pair, n, k, edge, -angles)

    def _rotate(
        self, states: NDArray[Any], n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> Floats:
        overlaps, table = np.zeros(len(angles)), binomials(n, k)
        cos, sin = _cos_sin(angles, states)
        kernels_subsets.rotate(
            _floats(states, 2), states.shape[1], k, table, edge, cos, sin, overlaps, _room(k)[0]
        )
        return overlaps

    def hop(
        self, psi: NDArray[Any], image: NDArray[Any], n: int, k: int, edge: tuple[int, int]
    ) -> None:
        outer, table, width = len(psi), binomials(n, k), 2 * psi.shape[2]
        kernels_subsets.hop(_floats(psi), _floats(image), outer, k, width, table, edge, _room(k)[0])

    def turn(self, psi: NDArray[Any], costs: Floats, angles: Floats) -> None:
        if len(angles) == 1:
            kernels.turn(_floats(psi), costs, angles[0])
        else:
            kernels.turn_columns(_floats(psi), costs, angles)

    def turn_back(
        self, pair: NDArray[Any], costs: Floats, angles: Floats, *, last: bool = False
    ) -> Floats:
        psi, lam = _floats(pair, 2)
        if len(angles) == 1:
            return np.array([kernels.turn_back(psi, lam, costs, angles[0], last)])
        found = np.zeros(len(angles))
        kernels.turn_columns_back(psi, lam, costs, angles, found, last)
        return found

    def field(
        self, psi: NDArray[Any], start: NDArray[Any], costs: Floats, angles: Floats
    ) -> Floats:
        return field.run(psi, start, costs, angles)

    def field_back(self, pair: NDArray[Any], costs: Floats, angles: Floats) -> Floats:
        return field.run_back(pair, costs, angles)

    def means(self, psi: NDArray[Any], costs: Floats) -> Floats:
        if psi.shape[1] == 1:
            return np.array([kernels.mean(_floats(psi), costs)])
        found = np.zeros(psi.shape[1])
        kernels.mean_columns(_floats(psi), costs, found)
        return found

    def densities(self, psi: NDArray[Any]) -> Floats:
        probabilities = np.empty(psi.shape)
        kernels.densities(_floats(psi), probabilities.reshape(-1))
        return probabilities


def _floats(psi: NDArray[Any], dimensions: int = 1) -> NDArray[Any]:
    """Return the same memory as floats, flat or, for states (m, ...), of shape (m, floats)."""
    flat = psi.reshape(-1 if dimensions == 1 else (len(psi), -1))
    return flat.view(psi.real.dtype)


def _cos_sin(angles: Floats, states: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.cos(angles).astype(states.real.dtype), np.sin(angles).astype(states.real.dtype)


def _room(k: int) -> NDArray[np.int64]:
    return np.zeros((2, k + 2), dtype=np.int64)
