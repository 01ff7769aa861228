"""The selection objective is the written-out formula, and bad input is named."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.constraints import Exactly
from qfl.core.errors import ProblemError
from qfl.problems import client_selection
from qfl.problems.selection import ClientSelection


def arrays(n=4, seed=0):
    rng = np.random.default_rng(seed)
    overlap = rng.random((n, n))
    return {
        "utility": rng.normal(size=n),
        "redundancy": (overlap + overlap.T) / 2,
        "cost": rng.random(n),
    }


@pytest.mark.property
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), weight=st.floats(-2, 2))
def test_energy_is_utility_cost_and_redundancy_on_all_states(seed, n, weight):
    data = arrays(n, seed)
    problem = client_selection(**data, choose=n // 2, redundancy_weight=weight)
    states = np.array(list(itertools.product((0, 1), repeat=n)))
    pairs = np.einsum("si,ij,sj->s", states, data["redundancy"], states)
    pairs = (pairs - states @ np.diagonal(data["redundancy"])) / 2
    expected = states @ (data["cost"] - data["utility"]) + weight * pairs
    np.testing.assert_allclose(problem.qubo.energy(states), expected, atol=1e-10)
    assert problem.constraint == Exactly(n // 2)


def test_no_cost_means_zero_cost():
    data = arrays()
    free = client_selection(utility=data["utility"], redundancy=data["redundancy"], choose=2)
    zero = client_selection(**{**data, "cost": np.zeros(4)}, choose=2)
    assert free.hash == zero.hash


def spoilt(key, index, value):
    data = arrays()
    data[key] = np.array(data[key])
    data[key][index] = value
    return data


@pytest.mark.parametrize(
    ("data", "choose", "message"),
    [
        (arrays(), 5, r"choose must lie in 0\.\.4, got 5"),
        (arrays(), -1, r"0\.\.4"),
        (arrays(), 2.0, "whole number"),
        (spoilt("utility", 1, np.nan), 2, r"utility\[1\] must be finite, got nan"),
        (spoilt("redundancy", (0, 1), np.inf), 2, r"redundancy\[0, 1\] must be finite"),
        (spoilt("redundancy", (0, 1), 9.0), 2, r"redundancy must be symmetric, but \[0, 1\] = 9"),
        ({**arrays(), "cost": np.zeros(3)}, 2, r"cost must be of shape \(4,\), got shape \(3,\)"),
        ({**arrays(), "redundancy": np.zeros((4, 3))}, 2, r"shape \(4, 4\), got \(4, 3\)"),
        ({**arrays(), "utility": np.zeros((2, 2))}, 2, "utility must be one-dimensional"),
        ({**arrays(), "utility": []}, 0, r"not empty, got shape \(0,\)"),
        ({**arrays(), "utility": ["a", "b"]}, 1, r"real numbers in rows of one length, got \['a'"),
        ({**arrays(), "utility": [1j] * 4}, 1, "utility must hold real numbers, got complex"),
        ({**arrays(), "redundancy": [[0, 1], [1]]}, 1, "redundancy must hold real numbers in rows"),
        ({**arrays(), "redundancy_weight": [1.0]}, 1, r"must be one number, got \[1.0\]"),
    ],
)
def test_bad_input_is_one_clear_error(data, choose, message):
    with pytest.raises(ProblemError, match=message):
        client_selection(**data, choose=choose)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choose": 9}, r"choose must lie in 0\.\.8, got 9"),
        ({"label_skew": 0.0}, "label_skew must be above 0, got 0"),
        ({"cost_weight": np.inf}, "cost_weight must be finite, got inf"),
    ],
)
def test_a_family_is_checked_before_anything_is_drawn(options, message):
    with pytest.raises(ProblemError, match=message):
        ClientSelection(**{"clients": 8, "choose": 3, **options})


def test_drawn_instances_repeat_and_differ_by_seed():
    family = ClientSelection(clients=8, choose=3)
    hashes = [family.draw(np.random.default_rng(seed)).hash for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]
