"""Counts form a commutative monoid and never mix variables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.counts import Counts
from qfl.core.errors import ProblemError


@st.composite
def counts(draw, n=3):
    rows = draw(st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n), max_size=12))
    return Counts.of(np.array(rows, dtype=np.uint8).reshape(-1, n))


def same(a, b):
    return np.array_equal(a.states, b.states) and np.array_equal(a.shots, b.shots)


@pytest.mark.property
@given(counts(), counts(), counts())
def test_adding_is_associative_commutative_and_has_a_zero(a, b, c):
    assert same((a + b) + c, a + (b + c))
    assert same(a + b, b + a)
    assert same(a + Counts.zero(3), a)
    assert (a + b).total == a.total + b.total


@pytest.mark.property
@given(counts())
def test_samples_give_the_counts_back(a):
    assert same(Counts.of(a.samples()), a)
    assert (a.shots > 0).all()
    assert len(np.unique(a.states, axis=0)) == len(a.states)


def test_column_k_is_variable_k():
    seen = Counts.of([[1, 0, 0]], [7])
    assert seen.states.tolist() == [[1, 0, 0]]
    assert seen.shots.tolist() == [7]


def test_counts_over_different_variables_do_not_merge():
    with pytest.raises(ProblemError, match="2 and 3"):
        Counts.zero(2) + Counts.zero(3)


@pytest.mark.parametrize(("samples", "shots"), [([0, 1], None), ([[0, 1]], [-1]), ([[0]], [1, 2])])
def test_malformed_counts_are_refused(samples, shots):
    with pytest.raises(ProblemError):
        Counts.of(samples, shots)
