"""Counting, sampling, enumerating and measuring agree with each other for every constraint."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.constraints import AtMost, Exactly, ExactlyEach, Limited, OneHot, Unconstrained
from qfl.core.errors import ProblemError


def all_states(n):
    return np.array(list(itertools.product((0, 1), repeat=n)), dtype=np.uint8)


@st.composite
def constrained(draw):
    """A constraint and its number of variables, up to 10."""
    n = draw(st.integers(1, 10))
    kinds = ["exactly", "one_hot", "each", "at_most", "unconstrained", "limited"]
    kind = draw(st.sampled_from(kinds))
    if kind == "limited":
        base = draw(st.sampled_from([Exactly(n // 2), OneHot((tuple(range(n)),)), Unconstrained()]))
        row = draw(st.lists(st.integers(-2, 3), min_size=n, max_size=n))
        return Limited(base, (tuple(row), (1.0,) * n), (draw(st.integers(-2, 6)), 5.0)), n
    if kind == "exactly":
        return Exactly(draw(st.integers(0, n))), n
    if kind in ("one_hot", "each"):
        order = draw(st.permutations(range(n)))
        cuts = sorted(draw(st.sets(st.integers(1, n - 1), max_size=3))) if n > 1 else []
        edges = [0, *cuts, n]
        groups = tuple(tuple(order[a:b]) for a, b in itertools.pairwise(edges))
        if kind == "one_hot":
            return OneHot(groups), n
        return ExactlyEach(tuple((g, draw(st.integers(0, len(g)))) for g in groups)), n
    if kind == "at_most":
        weights = draw(st.lists(st.floats(0, 5), min_size=n, max_size=n))
        return AtMost(tuple(weights), draw(st.floats(0, 12))), n
    return Unconstrained(), n


@pytest.mark.property
@settings(deadline=None)
@given(constrained(), st.integers(0, 10**6))
def test_counting_enumerating_measuring_and_sampling_agree(case, seed):
    constraint, n = case
    constraint.check(n)
    listed = np.concatenate([*constraint.enumerate(n), np.zeros((0, n), np.uint8)])
    states = all_states(n)
    feasible = states[constraint.violation(states) == 0]
    assert len(np.unique(listed, axis=0)) == len(listed) == constraint.feasible_count(n)
    assert {tuple(row) for row in listed.tolist()} == {tuple(row) for row in feasible.tolist()}
    if not len(listed):
        with pytest.raises(ProblemError, match="loosen the limits"):
            constraint.sample(n, 20, np.random.default_rng(seed))
        return
    sample = constraint.sample(n, 20, np.random.default_rng(seed))
    assert sample.shape == (20, n)
    assert sample.dtype == np.uint8
    assert (constraint.violation(sample) == 0).all()


@pytest.mark.property
@given(constrained())
def test_blocks_fix_exactly_the_feasible_weights(case):
    constraint, n = case
    blocks = constraint.blocks(n)
    if not blocks or isinstance(constraint, Limited):
        return
    assert sorted(v for variables, _ in blocks for v in variables) == list(range(n))
    states = all_states(n)
    kept = np.all([states[:, list(v)].sum(1) == ones for v, ones in blocks], axis=0)
    assert np.array_equal(kept, constraint.violation(states) == 0)


@pytest.mark.parametrize(
    ("constraint", "n"),
    [
        (Exactly(2), 5),
        (OneHot(((0, 1, 2), (3, 4))), 5),
        (ExactlyEach((((0, 3, 4), 2), ((1, 2), 1))), 5),
        (AtMost((1.0, 2.0, 3.0), 3.0), 3),
        (Limited(OneHot(((0, 1), (2, 3))), ((1, 0, 1, 0), (0, 1, 0, 1)), (1, 1)), 4),
    ],
)
def test_sampling_is_uniform(constraint, n):
    """Chi-square at the 1 - 1e-6 quantile: a false alarm once in a million runs."""
    from scipy.stats import chi2

    states = constraint.feasible_count(n)
    sample = constraint.sample(n, 400 * states, np.random.default_rng(5))
    seen = np.unique(sample, axis=0, return_counts=True)[1]
    assert len(seen) == states
    assert ((seen - 400) ** 2 / 400).sum() < chi2.ppf(1 - 1e-6, states - 1)


@pytest.mark.golden
def test_feasible_counts_are_binomials_and_products():
    assert Exactly(4).feasible_count(24) == 10_626
    assert Exactly(5).feasible_count(40) == math.comb(40, 5) == 658_008
    six_clients = tuple(tuple(range(3 * i, 3 * i + 3)) for i in range(6))
    assert OneHot(six_clients).feasible_count(18) == 729


@pytest.mark.parametrize(
    ("constraint", "n", "message"),
    [
        (Exactly(4), 3, "4 of 3"),
        (Exactly(-1), 3, "0..3"),
        (Exactly(1.5), 3, "k must be a whole number in 0..3, got 1.5"),
        (OneHot(((0, 1), (1, 2))), 3, "each of 0..2 once"),
        (OneHot(((0, 1), ())), 2, "non-empty"),
        (ExactlyEach((((0, 1), 1), ((1, 2), 1))), 3, "each of 0..2 once"),
        (ExactlyEach((((0, 1), 3), ((2,), 1))), 3, "cannot choose 3 of 2"),
        (ExactlyEach((((0, 1), 1), ((), 0))), 2, "non-empty"),
        (AtMost((1.0, -2.0), 3.0), 2, "non-negative"),
        (AtMost((1.0,), 3.0), 2, "2 non-negative weights"),
        (AtMost((1.0, 2.0), -1.0), 2, "budget"),
        (AtMost((1.0, 2.0), math.nan), 2, "budget"),
        (Unconstrained(), 0, "at least one"),
        (Limited(Exactly(4), (), ()), 3, "4 of 3"),
        (Limited(Exactly(1), ((1.0, 1.0),), (1.0,)), 3, "rows of 3 coefficients"),
        (Limited(Exactly(1), ((1.0,) * 3,), (1.0, 2.0)), 3, "2 limits"),
        (Limited(Exactly(1), ((math.nan,) * 3,), (1.0,)), 3, "finite"),
    ],
)
def test_a_senseless_constraint_is_refused(constraint, n, message):
    with pytest.raises(ProblemError, match=message):
        constraint.check(n)


def test_violation_measures_how_far():
    assert Exactly(2).violation([[1, 1, 1, 1], [0, 0, 0, 0]]).tolist() == [2.0, 2.0]
    assert OneHot(((0, 1), (2, 3))).violation([1, 1, 0, 0]) == 2.0
    assert ExactlyEach((((0, 1, 2), 2), ((3,), 0))).violation([1, 0, 0, 1]) == 2.0
    assert AtMost((1.0, 2.0), 2.0).violation([1, 1]) == 1.0


def test_rare_feasible_states_are_found_by_listing():
    """Rejection finds the one state in 2^16 too rarely; listing finds it always."""
    only_zero = Limited(Unconstrained(), ((1.0,) * 16,), (0.0,))
    assert not only_zero.sample(16, 5, np.random.default_rng(0)).any()


def test_too_rare_to_list_is_said():
    hopeless = Limited(Unconstrained(), ((1.0,) * 60,), (0.0,))
    with pytest.raises(ProblemError, match="loosen the limits"):
        hopeless.sample(60, 5, np.random.default_rng(0))
