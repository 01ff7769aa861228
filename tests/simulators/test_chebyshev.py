"""Exponentials by polynomials: any reach, to rounding error, with as many terms as it takes."""

import numpy as np
import pytest

from qfl.simulators.chebyshev import coefficients, expand


def generator(n, seed=0):
    """A Hermitian matrix of norm 1."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    matrix = matrix + matrix.conj().T
    return matrix / np.linalg.norm(matrix, ord=2)


@pytest.mark.parametrize("reach", [0.0, 1e-3, 1.0, 30.0, 400.0])
def test_the_exponential_of_a_matrix_that_is_known_by_its_products(reach):
    matrix, psi = generator(12), np.eye(12)[0] + 0j
    values, vectors = np.linalg.eigh(matrix)
    exact = vectors @ (np.exp(-1j * reach * values) * (vectors.conj().T @ psi))
    rows = list(coefficients(np.array([reach]))[:, 0])
    found = expand(psi, lambda x: matrix @ x, rows)
    np.testing.assert_allclose(found, exact, atol=1e-13 * max(1.0, reach))


def test_columns_have_reaches_of_their_own():
    reaches = np.array([0.3, -2.0, 7.0])
    terms = coefficients(reaches)
    for column, reach in enumerate(reaches):
        alone = coefficients(np.array([reach]))[:, 0]
        np.testing.assert_allclose(terms[: len(alone), column], alone, atol=1e-17)
        assert np.abs(terms[len(alone) :, column]).max(initial=0) < 1e-16


def test_more_reach_takes_more_terms_and_little_more_than_the_reach():
    counts = [len(coefficients(np.array([reach]))) for reach in (1.0, 10.0, 100.0, 1000.0)]
    assert counts == sorted(counts)
    assert 1000 < counts[-1] < 1200
