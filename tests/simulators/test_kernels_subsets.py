"""Loops over subsets against dense matrices: one pair exchanged, all subsets of every size."""

from math import comb

import numpy as np
import pytest

from qfl.simulators.combinations import unrank
from qfl.simulators.compiled import CompiledOperations

SIZES = [(4, 1), (5, 2), (6, 3), (7, 5), (9, 4)]


def exchange(n, k, edge):
    """The 0/1 matrix that swaps two elements where a subset has one of them."""
    rows = unrank(n, k, np.arange(comb(n, k)))
    place = {tuple(row): i for i, row in enumerate(rows.tolist())}
    matrix = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        swapped = row.copy()
        swapped[list(edge)] = swapped[list(edge)[::-1]]
        matrix[place[tuple(swapped.tolist())], i] = row[edge[0]] != row[edge[1]]
    return matrix


def drawn(*shape):
    rng = np.random.default_rng(sum(shape))
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_a_hop_adds_the_exchanged_state(n, k):
    psi = drawn(2, comb(n, k), 3)
    for edge in ((0, 1), (0, n - 1), (1, n - 2)):
        image = drawn(2, comb(n, k), 3)
        expected = image + np.einsum("st,otc->osc", exchange(n, k, edge), psi)
        CompiledOperations().hop(psi, image, n, k, edge)
        np.testing.assert_allclose(image, expected, atol=1e-13)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_a_rotation_is_the_exponential_of_the_hop(n, k):
    angles = np.array([0.3, -1.2, 2.0])
    for edge in ((0, 1), (0, n - 1)):
        psi = drawn(1, comb(n, k), 3)
        values, vectors = np.linalg.eigh(exchange(n, k, edge))
        expected = np.stack(
            [
                vectors @ (np.exp(-1j * angle * values) * (vectors.T @ psi[0, :, column]))
                for column, angle in enumerate(angles)
            ],
            axis=1,
        )
        CompiledOperations().rotate(psi, n, k, edge, angles)
        np.testing.assert_allclose(psi[0], expected, atol=1e-13)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_lowering_counts_every_larger_subset_once(n, k):
    whole = np.ones((1, comb(n, k), 1), complex)
    lowered = CompiledOperations().lower(whole, n, k)
    np.testing.assert_allclose(lowered, n - k + 1)
