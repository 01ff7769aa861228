"""The instances of the adapter tests: the weighted chain of the public benchmark, and K of N."""

import numpy as np

from circuits.qaoa import QaoaAnsatz

WEIGHTS = (0.1, 0.3, 0.1, 0.5, 0.3, 0.1, 0.1, 0.5, 1.0)
"""Drawn with seed 123 from (0.1, 0.2, 0.3, 0.5, 1.0), as metriq-gym does for 10 qubits."""


def chain(n=10, depth=10):
    """Return the cost sum_i w_i Z_i Z_(i+1) of the public linear-ramp benchmark."""
    weights = np.array(WEIGHTS[: n - 1])
    quadratic = np.diag(4 * weights, 1)
    linear = -2 * (np.append(weights, 0) + np.append(0, weights))
    return QaoaAnsatz(float(weights.sum()), linear, quadratic, "x", depth)


def ratio(ansatz, energy):
    """Return (worst - energy) / (worst - best) of a chain, whose best bits alternate."""
    return (ansatz.constant - energy) / (2 * ansatz.constant)


def ramp(depth=10, delta_gamma=0.6, delta_beta=0.3):
    """Return the published ramp in the project's signs."""
    rise = np.arange(1, depth + 1) / depth
    return np.array([delta_gamma * rise, -delta_beta * (1 + 1 / depth - rise)])


def k_of_n(n, k, mixer, depth):
    """Return a dense selection instance."""
    i = np.arange(n)
    utility = 0.5 + 0.5 * np.sin(1.7 * (i + 1))
    overlap = 0.15 * (1 + np.cos(0.9 * np.outer(i + 1, i + 1)))
    blocks = () if mixer == "x" else ((tuple(range(n)), k),)
    return QaoaAnsatz(0.25, -utility, np.triu(overlap, 1), mixer, depth, blocks)
