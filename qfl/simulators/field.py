"""Circuits under the transverse field on the processor. Imports numba.

One angle set at a time runs in `kernels_flips`, eight at a time in `kernels_lanes`; the class
prepares the tables and the order of sweeps for the latter. States carry the phase
i^(number of ones), and angles are (columns, 2, layers), gammas and betas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.simulators import kernels, kernels_flips
from qfl.simulators.kernels import REACH
from qfl.simulators.kernels_lanes import LANES, ROW, sweep, sweep_back

Amplitudes = NDArray[Any]
Floats = NDArray[np.float64]

_FEW = 4  # columns that take less time one by one than as lanes
_ALONE = 12  # qubits up to which all states make one bundle: 512 KiB in double precision
_LOW = 9  # qubits of the low group beyond that
_ROWS = 8  # rows that a bundle of the high group takes from one place
_STEEP = 16.0  # tangent beyond which a layer is applied twice, at half its angle


def run(psi: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to psi (2^n, columns) from `start` (2^n,); return mean costs."""
    means = np.empty(len(angles))
    for own, states, few in _parts(psi[None], angles):
        if len(few) == LANES:
            means[own] = _Lanes(costs, few).run(states[0], start)[: len(means[own])]
        else:
            means[own] = _run_one(states, start, costs, few[0])
        if len(few) != len(angles):  # or else states are psi
            psi[:, own] = states[0, :, : len(means[own])]
    return means


def run_back(pair: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Undo `run` on psi, lam (2, 2^n, columns); return Im<lam|G|psi> per angle, in their shape."""
    overlaps = np.empty(angles.shape)
    for own, states, few in _parts(pair, angles):
        if len(few) == LANES:
            overlaps[own] = _Lanes(costs, few).run_back(states)[: len(overlaps[own])]
        else:
            overlaps[own] = _run_one_back(states, costs, few[0])
    return overlaps


def _parts(states: Amplitudes, angles: Floats) -> Iterator[tuple[slice, Amplitudes, Floats]]:
    """Yield columns, their states (m, 2^n, 1 or LANES), contiguous, and angles as many."""
    columns = len(angles)
    first = 0
    while first < columns:
        count = min(LANES, columns - first)
        if count <= _FEW:
            count = 1
        own, width = slice(first, first + count), LANES if count > 1 else 1
        if columns == width:
            yield own, states, angles
        else:
            part = np.zeros((*states.shape[:2], width), states.dtype)
            few = np.zeros((width, *angles.shape[1:]))
            part[:, :, :count], few[:count] = states[:, :, own], angles[own]
            yield own, part, few
        first += count


def _run_one(states: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to states (1, 2^n, 1) and return the mean cost (1,)."""
    states[0, :, 0] = start
    (psi,), mean = _floats(states), np.zeros(1)
    bundle = np.empty((1, kernels_flips.BUNDLE), psi.dtype)
    for gamma, (cos, sin) in zip(angles[0], _ratios(angles[1], psi), strict=True):
        kernels.turn(psi, costs, np.array([gamma]))
        kernels_flips.flip(psi, cos, sin, bundle)
    kernels.means(psi, costs, mean)
    return mean


def _run_one_back(states: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Undo it on states (2, 2^n, 1); return Im<lam|G|psi> per angle (2, layers)."""
    psi, lam = _floats(states)
    gammas, ratios = np.ascontiguousarray(angles[0]), _ratios(angles[1], psi)
    found, own = np.zeros((len(gammas), 2, 1)), np.empty(kernels_flips.BUNDLE // 2)
    counts = (np.arange(REACH) & [[2], [4]] == 0).astype(psi.dtype)
    bundle = np.empty((2, kernels_flips.BUNDLE), psi.dtype)
    for step in _steps_back(len(gammas), len(psi)):
        kernels_flips.undo(psi, lam, costs, step, gammas, ratios, found, counts, bundle, own)
    return found[:, :, 0].T


def _ratios(betas: Floats, psi: NDArray[Any]) -> NDArray[Any]:
    """Return cos and sin (layers, 2) in the type of the floats psi."""
    return np.stack([np.cos(betas), np.sin(betas)], axis=1).astype(psi.dtype)


def _steps_back(depth: int, size: int) -> NDArray[np.int64]:
    """Return the steps of `kernels_flips.undo` for states of so many floats, one per row.

    Groups of qubits come in ascending and descending order by turns, so that the last group of a
    layer is the first of the next and one step serves both.
    """
    groups = [(1, min(size, kernels_flips.BUNDLE))]
    while (below := groups[-1][0] * groups[-1][1]) < size:
        groups.append((min(kernels_flips.ROWS, size // below), below))
    steps: list[list[int]] = []
    for layer in reversed(range(depth)):
        order = groups[:: 1 if (depth - layer) % 2 else -1]
        for group in order[:-1]:
            if group == order[0] and steps:
                steps[-1][4] = layer
            else:
                steps.append([*group, -1, -1, layer])
        steps.append([*order[-1], layer, layer, -1])
    return np.array(steps, dtype=np.int64).reshape(-1, 5)


def _floats(states: Amplitudes) -> NDArray[Any]:
    """Return the same memory as floats (m, 2^n * 2 * columns)."""
    return states.reshape(len(states), -1).view(states.real.dtype)


class _Lanes:
    """Eight circuits over the same states.

    Args:
        costs: (2^n,).
        angles: (LANES, 2, layers).
    """

    def __init__(self, costs: Floats, angles: Floats) -> None:
        self._qubits = len(costs).bit_length() - 1
        self._low = self._qubits if self._qubits <= _ALONE else _LOW
        self._high = self._qubits - self._low
        self._costs, (self._gammas, betas) = costs, angles.transpose(1, 2, 0)
        self._times = np.where((np.abs(np.tan(betas)) > _STEEP).any(axis=1), 2, 1)
        self._betas = betas / self._times[:, None]

    def run(self, psi: Amplitudes, start: Amplitudes) -> Floats:
        """Write the final states to psi (2^n, LANES) from `start` (2^n,); return mean costs."""
        (floats,), (begin,) = _floats(psi[None]), _floats(np.ascontiguousarray(start)[None])
        tans, turns, bundle, room = self._tables(1, floats.dtype)
        means = np.zeros(REACH)
        for step in self._steps():
            sweep(floats, begin, self._costs, step, tans, turns, means, bundle[0], room)
        return means.reshape(-1, LANES).sum(0)

    def run_back(self, pair: Amplitudes) -> Floats:
        """Undo them on psi, lam (2, 2^n, LANES); return Im<lam|G|psi> (LANES, 2, layers)."""
        (psi, lam), layers = _floats(pair), len(self._times)
        tans, turns, bundle, room = self._tables(2, psi.dtype)
        found = np.zeros((3, layers, REACH))
        steps = self._steps()[::-1, [0, 1, 4, 3, 2, 6, 5]]  # what was begun last is finished first
        steps[steps[:, 3] == layers, 3] = -1
        for step in np.ascontiguousarray(steps):
            sweep_back(psi, lam, self._costs, step, -tans, turns, found, bundle, room)
        finished, begun = found[::2].reshape(2, layers, REACH // ROW, LANES, 2).sum((2, 4))
        if self._high:  # the cosines that were left out when the other group began
            before = np.where(np.arange(layers) % 2, self._low, self._high)
            finished *= self._cosines(2 * before)
        costs = found[1].reshape(layers, REACH // LANES, LANES).sum(1)
        return np.stack([costs, finished + begun]).transpose(2, 0, 1)

    def _tables(
        self, states: int, kind: np.dtype[Any]
    ) -> tuple[NDArray[Any], Floats, NDArray[Any], Floats]:
        """Return the tangents and turns of `sweep`, and its scratch for so many states."""
        factors = self._cosines(np.array([self._qubits]))
        tans = np.tile(np.tan(self._betas).repeat(2, axis=1).astype(kind), REACH // ROW)
        turns = np.tile(np.stack([self._gammas, factors], axis=1), REACH // LANES)
        rows = _ROWS << self._high
        return tans, turns, np.empty((states, ROW * rows), kind), np.empty(REACH + rows)

    def _cosines(self, qubits: NDArray[np.int64]) -> Floats:
        """Return the factors that tangents on so many qubits leave out, (layers, LANES)."""
        return np.asarray(np.cos(self._betas) ** (self._times * qubits)[:, None])

    def _steps(self) -> NDArray[np.int64]:
        """Return the steps of `sweep` that run all layers and measure, one per row.

        Two groups take turns, so that each step finishes one layer and begins the next; one group
        does whole layers.
        """
        layers, times = len(self._times), [*self._times.tolist(), 0]
        steps = np.zeros((layers + 1, 8), dtype=np.int64)
        for at in range(layers + 1):
            rows, finished = (_ROWS * (at % 2), at - 1) if self._high else (0, -1)
            begun = at if at < layers else -1
            steps[at] = 1 << self._low, rows, finished, at, begun, times[at - 1], times[at], at == 0
        return steps
