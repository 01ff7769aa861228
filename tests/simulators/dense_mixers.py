"""Mixers of K-of-N subspaces, written out."""

from math import comb

import numpy as np

from qfl.simulators.combinations import rank, unrank


def dense_mixer(n, k, pairs):
    """Return the sum of (XX+YY)/2 over pairs, restricted to weight k."""
    rows = unrank(n, k, np.arange(comb(n, k)))
    matrix = np.zeros((len(rows), len(rows)))
    for a, b in pairs:
        moved = np.flatnonzero(rows[:, a] != rows[:, b])
        swapped = rows[moved].copy()
        swapped[:, [a, b]] = swapped[:, [b, a]]
        matrix[moved, rank(swapped)] += 1
    return matrix


def exponential(matrix, beta):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.exp(-1j * beta * values)) @ vectors.T


def ring(n):
    return [(i, (i + 1) % n) for i in range(n)]


def complete(n):
    return [(i, j) for j in range(n) for i in range(j)]
