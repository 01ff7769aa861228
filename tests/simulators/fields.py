"""Circuits under the transverse field, by the kernels and by numpy."""

import numpy as np

from qfl.simulators import field
from qfl.simulators.arrays import on_host


def instance(n, columns, depth, dtype=np.complex128, scale=1.0):
    rng = np.random.default_rng(n)
    start = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    start = (start / np.linalg.norm(start)).astype(dtype)
    return start, rng.normal(size=2**n), scale * rng.normal(size=(columns, 2, depth))


def both_ways(start, costs, angles, factors):
    """Return final states, means, and overlaps after a weight, by the kernels and by numpy."""
    found = []
    for run, back in (
        (field.run, field.run_back),
        (on_host().field, on_host().field_back),
    ):
        pair = np.empty((2, len(start), len(angles)), start.dtype)
        means = run(pair[0], start, costs, angles)
        states = pair[0].copy()
        pair[1] = factors[:, None] * pair[0]
        found.append((states, means, back(pair, costs, angles)))
    return found
