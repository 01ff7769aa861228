"""Figures of merit against their definitions and published values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.solvers.quality import approximation_ratio, cvar, effective_ratio, time_to_solution

VALUES, MASS = [-3, -1, 0, 2], [0.1, 0.2, 0.3, 0.4]


@pytest.mark.golden
def test_worked_values():
    """Sources: LR-QAOA benchmark definition; Barkoutsos et al., arXiv:1907.04769."""
    assert effective_ratio(0.8, random_ratio=0.5) == pytest.approx(0.6, abs=1e-12)
    assert effective_ratio(0.45, random_ratio=0.5) == 0
    assert time_to_solution(0.05, 0.002) == pytest.approx(0.17956226992141935, abs=1e-9)
    assert time_to_solution(0.5, 1.0) == pytest.approx(6.643856189774724, abs=1e-9)
    assert cvar(VALUES, MASS, 0.2) == pytest.approx(-2.0, abs=1e-12)
    assert cvar(VALUES, MASS, 1.0) == pytest.approx(0.3, abs=1e-12)


@pytest.mark.property
@given(
    st.lists(st.tuples(st.floats(-9, 9), st.integers(1, 9)), min_size=1, max_size=9),
    st.floats(0.01, 1.0),
)
def test_cvar_lies_between_minimum_and_mean_and_grows_with_alpha(cells, alpha):
    values, mass = zip(*cells, strict=True)
    low, full = cvar(values, mass, alpha), cvar(values, mass, 1.0)
    assert min(values) - 1e-9 <= low <= full + 1e-9
    assert full == pytest.approx(np.average(values, weights=mass), abs=1e-9)
    assert cvar(values, mass, alpha / 2) <= low + 1e-9


def test_edges():
    assert approximation_ratio(1.0, optimum=1.0, worst=1.0) == 1.0
    assert time_to_solution(0.0, 1.0) == math.inf
    assert time_to_solution(1.0, 1.0) == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: approximation_ratio(0.0, optimum=1.0, worst=0.0),
        lambda: effective_ratio(0.5, random_ratio=1.0),
        lambda: time_to_solution(1.5, 1.0),
        lambda: time_to_solution(0.5, 1.0, target=1.0),
        lambda: cvar([1.0], [0.0], 0.5),
        lambda: cvar([1.0, 2.0], [1.0], 0.5),
        lambda: cvar([1.0], [1.0], 0.0),
    ],
)
def test_senseless_input_is_refused(call):
    with pytest.raises(ConfigError):
        call()
