"""Every transformation of an objective keeps its value on every x."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ProblemError
from qfl.core.qubo import Ising, Qubo


def random_qubo(seed, n):
    rng = np.random.default_rng(seed)
    return Qubo(rng.normal(), rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))


def all_states(n):
    return np.array(list(itertools.product((0, 1), repeat=n)), dtype=np.uint8)


def written_out(qubo, x):
    value = qubo.constant
    for i in range(qubo.n):
        value += qubo.linear[i] * x[i]
        for j in range(i + 1, qubo.n):
            value += qubo.quadratic[i, j] * x[i] * x[j]
    return value


@pytest.mark.parametrize("n", [1, 2, 5, 8, 12])
def test_energy_is_the_written_out_objective_on_all_states(n):
    qubo, states = random_qubo(n, n), all_states(n)
    expected = [written_out(qubo, x) for x in states]
    np.testing.assert_allclose(qubo.energy(states), expected, rtol=0, atol=1e-12)


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_ising_has_the_same_energy_on_all_states(seed, n):
    qubo, states = random_qubo(seed, n), all_states(n)
    spins = 1 - 2 * states.astype(int)
    np.testing.assert_allclose(qubo.to_ising().energy(spins), qubo.energy(states), atol=1e-11)


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_ising_round_trip_is_exact_on_dyadic_coefficients(seed, n):
    rng = np.random.default_rng(seed)
    dyadic = rng.integers(-64, 64, size=(n, n)) / 8.0
    qubo = Qubo(rng.integers(-9, 9) / 4.0, dyadic[0], np.triu(dyadic, 1))
    back = qubo.to_ising().to_qubo()
    assert back.constant == qubo.constant
    assert np.array_equal(back.linear, qubo.linear)
    assert np.array_equal(back.quadratic, qubo.quadratic)


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 10), factor=st.floats(-4, 4))
def test_scaling_and_adding_act_on_the_values(seed, n, factor):
    one, two, states = random_qubo(seed, n), random_qubo(seed + 1, n), all_states(n)
    np.testing.assert_allclose(
        (one.scaled(factor) + two).energy(states),
        factor * one.energy(states) + two.energy(states),
        atol=1e-11,
    )


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 8))
def test_from_matrix_is_the_quadratic_form(seed, n):
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    states = all_states(n).astype(float)
    expected = np.einsum("si,ij,sj->s", states, matrix, states) + 2.5
    np.testing.assert_allclose(
        Qubo.from_matrix(matrix, constant=2.5).energy(states), expected, atol=1e-12
    )


@pytest.mark.golden
def test_ising_coefficients_of_a_worked_example():
    """Status: recomputed by hand from x = (1 - z) / 2."""
    ising = Qubo(0.0, [-1.0, 0.5, 2.0], [[0, 0.8, 0], [0, 0, -1.2], [0, 0, 0]]).to_ising()
    assert ising.offset == pytest.approx(0.65, abs=1e-12)
    np.testing.assert_allclose(ising.fields, [0.3, -0.15, -0.7], atol=1e-12)
    np.testing.assert_allclose(ising.couplings[[0, 1], [1, 2]], [0.2, -0.3], atol=1e-12)


def test_coefficients_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        random_qubo(0, 3).linear[0] = 1.0


@pytest.mark.parametrize(
    ("constant", "linear", "quadratic", "message"),
    [
        (0.0, [1.0, 2.0], np.zeros((3, 3)), "shape"),
        (0.0, [np.nan], np.zeros((1, 1)), r"finite coefficients, got linear\[0\] = nan"),
        (np.inf, [1.0], np.zeros((1, 1)), "finite coefficients, got constant = inf"),
        (0.0, [1.0, 2.0], np.ones((2, 2)), "strictly upper"),
        (1j, [1.0], np.zeros((1, 1)), "real coefficients, got constant = 1j"),
        (0.0, 1j * np.ones(2), np.zeros((2, 2)), r"real coefficients, got linear = array\("),
        (0.0, [1.0], np.zeros((1, 1), complex), "real coefficients, got quadratic"),
    ],
)
def test_a_malformed_objective_is_refused(constant, linear, quadratic, message):
    with pytest.raises(ProblemError, match=message):
        Qubo(constant, linear, quadratic)


def test_states_of_another_length_are_refused():
    with pytest.raises(ProblemError, match=r"x must have shape \(\.\.\., 2\), got \(3,\)"):
        random_qubo(0, 2).energy([0, 1, 0])


def test_objectives_of_different_sizes_do_not_add():
    with pytest.raises(ProblemError, match="2 and 3"):
        random_qubo(0, 2) + random_qubo(0, 3)


def test_an_ising_energy_counts_offset_fields_and_couplings():
    ising = Ising(1.0, np.array([2.0, 0.0]), np.array([[0.0, 3.0], [0.0, 0.0]]))
    assert ising.energy([[1, 1], [-1, 1]]).tolist() == [6.0, -4.0]


def test_a_complex_matrix_is_refused():
    with pytest.raises(ProblemError, match="real coefficients, got matrix"):
        Qubo.from_matrix([[1.0, 1j], [-1j, 1.0]])
