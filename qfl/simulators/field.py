"""Circuits under the transverse field on the processor. Imports numba.

One angle set at a time runs in `kernels_flips`, eight at a time in `kernels_lanes`; what is here
prepares their tables. States carry the phase i^(number of ones), and angles are
(columns, 2, layers), gammas and betas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.simulators import kernels, kernels_flips, kernels_lanes
from qfl.simulators.kernels import REACH
from qfl.simulators.kernels_lanes import LANES
from qfl.simulators.memory import aligned

Amplitudes = NDArray[Any]
Floats = NDArray[np.float64]

_FEW = 3  # columns that take less time one by one than as lanes
_NEAR = 8  # qubits of a block of the first level: 32 KiB in double precision
_FAR = 12  # and of the second level: 512 KiB
_STEEP = 16.0  # tangent beyond which a layer is applied twice, at half its angle


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
        if count <= _FEW:
            count = 1
        own, width = slice(first, first + count), LANES if count > 1 else 1
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


def _run_lanes(states: Amplitudes, start: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Write the final states to states (1, 2^n, LANES) and return the mean costs (LANES,)."""
    (psi,), (begin,) = _floats(states), _floats(np.ascontiguousarray(start)[None])
    layers, _ = _layers(angles if angles.size else np.zeros((LANES, 2, 1)))
    (near, far, qubits), means = _levels(costs), np.zeros(LANES)
    turns, tans = _tables(layers, qubits, psi)
    kernels_lanes.run(psi, begin, costs, near, far, turns, tans, means)
    return means


def _run_lanes_back(states: Amplitudes, costs: Floats, angles: Floats) -> Floats:
    """Undo them on states (2, 2^n, LANES); return Im<lam|G|psi> per angle (LANES, 2, layers)."""
    (psi, lam), (layers, given) = _floats(states), _layers(-angles)
    near, far, qubits = _levels(costs)
    turns, tans = _tables(layers, qubits, psi)
    found = np.zeros((len(layers), 1 + qubits, LANES))
    kernels_lanes.run_back(psi, lam, costs, near, far, turns, tans, found)
    before = [  # qubits that were undone, highest level first, with tangents instead of sines
        qubit - low + qubits - high
        for low, high in ((0, near), (near, far), (far, qubits))
        for qubit in range(low, high)
    ]
    cosines = np.cos(layers[:, None, 1]) ** (2 * np.array(before)[:, None])
    overlaps = np.stack([found[:, 0], (cosines * found[:, 1:]).sum(1)])
    return overlaps[:, given].transpose(2, 0, 1)


def _levels(costs: Floats) -> tuple[int, int, int]:
    """Return the qubits of a block of the first and of the second level, and all qubits."""
    qubits = len(costs).bit_length() - 1
    return min(_NEAR, qubits), min(_FAR, qubits), qubits


def _layers(angles: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return layers (m, 2, LANES) without steep tangents, and which of them have the gammas."""
    gammas, betas = angles.transpose(1, 2, 0)
    times = np.where((np.abs(np.tan(betas)) > _STEEP).any(axis=1), 2, 1)
    layers, given = np.zeros((times.sum(), 2, LANES)), times.cumsum() - times
    layers[given, 0] = gammas
    layers[:, 1] = np.repeat(betas / times[:, None], times, axis=0)
    return layers, given


def _tables(layers: Floats, qubits: int, psi: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """Return the turns of `kernels_lanes.run`, and the tangents in the precision of psi."""
    gammas, betas = layers[:, 0], layers[:, 1]
    turns = np.stack([gammas, np.cos(betas) ** qubits], axis=1)
    return turns, np.tan(betas).astype(psi.dtype)
