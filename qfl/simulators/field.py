"""Circuits under the transverse field on the processor. Imports numba.

One angle set at a time runs in `kernels_flips`, eight at a time in `kernels_lanes`; what is here
prepares their tables. States carry the phase i^(number of ones), and angles are
(columns, 2, layers), gammas and betas.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.simulators import kernels, kernels_lanes
from qfl.simulators.kernels_flips import BUNDLE, ROWS, flip, flip_back
from qfl.simulators.kernels_lanes import LANES
from qfl.simulators.memory import aligned
from qfl.simulators.vectors import WIDTH

Amplitudes = NDArray[Any]
Floats = NDArray[np.float64]

_FEW = 3  # columns that take less time one by one than as lanes
_NEAR = 8  # qubits of a block of the first level: 32 KiB in double precision
_FAR = 12  # and of the second level: 512 KiB
_SIGNS = 1 - (np.arange(WIDTH) & [[2], [4]]) / [[1], [2]]  # of floats at 0 and 1 of the low qubits
_STEEP = {8: 16.0, 4: 4.0}  # by bytes of a float, the tangent beyond which a layer is applied
# twice, at half its angle: overlaps grow with it to the power of 32, times the costs


def run(psi: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to psi (2^n, columns) from `start` (2^n,); return mean costs."""
    means = np.empty(len(angles))
    for own, states, few in _parts(psi[None], angles):
        if len(few) == LANES:
            means[own] = _run_lanes(states, start, costs, few)[: len(means[own])]
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
            overlaps[own] = _run_lanes_back(states, costs, few)[: len(overlaps[own])]
        else:
            overlaps[own] = _run_one_back(states, costs, few[0])
    return overlaps


def _parts(states: Amplitudes, angles: Floats) -> Iterator[tuple[slice, Amplitudes, Floats]]:
    """Yield columns, their states (m, 2^n, 1 or LANES), contiguous, and angles as many."""
    columns = len(angles)
    first = 0
    while first < columns:
        count = min(LANES, columns - first)
        alone = columns <= _FEW and states.shape[1] >= WIDTH // 2  # one has to fill a vector
        count, width = (1, 1) if alone else (count, LANES)
        own = slice(first, first + count)
        if columns == width:
            yield own, states, angles
        else:
            part = aligned((*states.shape[:2], width), states.dtype)
            few = np.zeros((width, *angles.shape[1:]))
            part[:, :, :count], few[:count] = states[:, :, own], angles[own]
            part[:, :, count:] = 0
            yield own, part, few
        first += count


def _run_one(states: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to states (1, 2^n, 1) and return the mean cost (1,)."""
    states[0, :, 0] = start
    (psi,) = _floats(states)
    groups = _groups(len(psi), ROWS)
    bundle = psi if len(groups) == 1 else aligned((BUNDLE,), psi.dtype)
    for gamma, (cos, sin) in zip(angles[0], _ratios(angles[1], psi), strict=True):
        kernels.turn(psi, costs, gamma)
        flip(psi, groups, cos, sin, bundle)
    return np.array([kernels.mean(psi, costs)])


def _run_one_back(states: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Undo it on states (2, 2^n, 1); return Im<lam|G|psi> per angle (2, layers)."""
    (psi, lam), (gammas, betas) = _floats(states), angles
    ratios, found = _ratios(betas, psi), np.zeros((2, len(gammas), WIDTH))
    bundle, few = aligned((2, BUNDLE), psi.dtype), aligned((BUNDLE // 2,), np.float64)
    groups = _groups(len(psi), ROWS).tolist()
    for group, *parts in _steps_back(len(gammas), len(groups)):
        rows, size, stretch, half = groups[group]
        for start in _starts(len(psi), rows, size, stretch):
            p, q = psi[start : start + stretch], lam[start : start + stretch]
            own = costs[start // 2 : (start + stretch) // 2]
            if rows > 1:
                (p, q), own = bundle[:, : rows * stretch], few[: rows * stretch // 2]
                kernels.take(psi, start, size, stretch, p)
                kernels.take(lam, start, size, stretch, q)
                kernels.take(costs, start // 2, size // 2, stretch // 2, own)
            for part, layer in enumerate(parts):
                if layer >= 0 and part == 1:
                    gamma, last = gammas[layer], layer == 0
                    found[0, layer, 0] += kernels.turn_back(p, q, own, gamma, last)
                elif layer >= 0:
                    flip_back(p, q, half, ratios[layer], _SIGNS, found[1, layer])
            if rows > 1:
                kernels.give(psi, start, size, stretch, p)
                kernels.give(lam, start, size, stretch, q)
    return found.sum(2)


@lru_cache
def _groups(floats: int, most: int) -> NDArray[np.int64]:
    """Return the groups of `kernels_flips.flip` for so many floats, of so many rows at most."""
    size = min(floats, BUNDLE)
    groups = [(1, size, size, 2)]
    while size < floats:
        rows = min(most, floats // size)
        stretch = min(size, BUNDLE // rows)
        groups.append((rows, size, stretch, stretch))
        size *= rows
    return np.array(groups, dtype=np.int64)


def _starts(floats: int, rows: int, size: int, stretch: int) -> Iterator[int]:
    """Yield where the bundles of a group begin."""
    for first in range(0, floats, rows * size):
        yield from range(first, first + size, stretch)


def _ratios(betas: Floats, psi: NDArray[Any]) -> NDArray[Any]:
    """Return cos and sin (layers, 2) in the type of the floats psi."""
    return np.stack([np.cos(betas), np.sin(betas)], axis=1).astype(psi.dtype)


def _steps_back(depth: int, groups: int) -> list[list[int]]:
    """Return steps: a group, and the layers to end, to turn back and to begin, -1 for none.

    Groups of qubits come in ascending and descending order by turns, so that the last group of a
    layer is the first of the next and one step serves both.
    """
    steps: list[list[int]] = []
    for layer in reversed(range(depth)):
        order = range(groups)[:: 1 if (depth - layer) % 2 else -1]
        for group in order[:-1]:
            if group == order[0] and steps:
                steps[-1][3] = layer
            else:
                steps.append([group, -1, -1, layer])
        steps.append([order[-1], layer, layer, -1])
    return steps


def _floats(states: Amplitudes) -> NDArray[Any]:
    """Return the same memory as floats (m, 2^n * 2 * columns)."""
    return states.reshape(len(states), -1).view(states.real.dtype)


def _run_lanes(states: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to states (1, 2^n, LANES) and return the mean costs (LANES,)."""
    (psi,), (begin,) = _floats(states), _floats(np.ascontiguousarray(start)[None])
    layers, _ = _layers(angles if angles.size else np.zeros((LANES, 2, 1)), psi.itemsize)
    levels, means = _levels(costs), np.zeros(LANES)
    turns, tans = _tables(layers, levels[3], psi)
    kernels_lanes.run(psi, begin, costs, levels, turns, tans, means)
    return means


def _run_lanes_back(states: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Undo them on states (2, 2^n, LANES); return Im<lam|G|psi> per angle (LANES, 2, layers)."""
    psi, lam = _floats(states)
    layers, given = _layers(-angles, psi.itemsize)
    levels = _levels(costs)
    turns, tans = _tables(layers, levels[3], psi)
    found = np.zeros((len(layers), 1 + levels[3], LANES))
    kernels_lanes.run_back(psi, lam, costs, levels, turns, tans, found)
    before = [  # qubits that were undone, highest level first, with tangents instead of sines
        qubit - low + levels[3] - high
        for low, high in pairwise(levels)
        for qubit in range(low, high)
    ]
    cosines = layers[:, None, 2] ** (2 * np.array(before)[:, None])
    overlaps = np.stack([found[:, 0], (cosines * found[:, 1:]).sum(1)])
    return overlaps[:, given].transpose(2, 0, 1)


def _levels(costs: Floats) -> NDArray[np.int64]:
    """Return the levels of `kernels_lanes.run`."""
    qubits = len(costs).bit_length() - 1
    return np.minimum([0, _NEAR, _FAR, qubits], qubits)


def _layers(angles: Floats, itemsize: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return layers (m, 3, LANES) without steep tangents, and which of them have the gammas.

    They hold gammas, betas from -pi/2 to pi/2, and the cosines, with the sign of those given.
    """
    gammas, betas = angles.transpose(1, 2, 0)
    signs, betas = np.copysign(1.0, np.cos(betas)), np.arctan(np.tan(betas))
    times = np.where((np.abs(np.tan(betas)) > _STEEP[itemsize]).any(axis=1), 2, 1)
    layers, given = np.zeros((times.sum(), 3, LANES)), times.cumsum() - times
    layers[given, 0] = gammas
    layers[:, 1] = np.repeat(betas / times[:, None], times, axis=0)
    layers[:, 2] = np.cos(layers[:, 1])
    layers[given, 2] *= signs
    return layers, given


def _tables(layers: Floats, qubits: np.int64, psi: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """Return the turns of `kernels_lanes.run`, and the tangents in the precision of psi."""
    gammas, betas, cosines = layers.transpose(1, 0, 2)
    turns = np.stack([gammas, cosines**qubits], axis=1)
    return turns, np.tan(betas).astype(psi.dtype)
