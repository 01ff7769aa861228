"""Penalties vanish where the constraint holds, and are large enough where it does not."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfl.core.constraints import AtMost, Exactly, Limited, OneHot, Unconstrained
from qfl.core.errors import ConfigError, ProblemError, UnknownNameError
from qfl.solvers.encoding import (
    PENALTY_RULES,
    encode,
    equality_penalty,
    penalised,
    unbalanced_penalty,
)
from tests.solvers.conftest import dense


@pytest.mark.property
@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    constraint=st.sampled_from(
        [Exactly(0), Exactly(3), Exactly(6), OneHot(((0, 1, 2), (3, 4, 5)))]
    ),
    rule=st.sampled_from(PENALTY_RULES),
)
def test_no_infeasible_state_is_a_minimum_of_the_penalised_objective(seed, constraint, rule):
    problem = dense(constraint, 6, seed)
    priced = penalised(problem, penalty=rule)
    states = np.array(list(itertools.product((0, 1), repeat=6)))
    feasible, energies = problem.is_feasible(states), priced.qubo.energy(states)
    np.testing.assert_allclose(energies[feasible], problem.qubo.energy(states[feasible]), atol=1e-9)
    assert energies[feasible].min() < energies[~feasible].min()
    assert priced.constraint == Unconstrained()


def test_the_equality_penalty_counts_squared_distance():
    penalty = equality_penalty(dense(OneHot(((0, 1), (2, 3, 4))), 5))
    assert penalty.energy([[1, 0, 0, 1, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]).tolist() == [0, 2, 5]


def test_mixers_that_keep_the_blocks_pay_no_penalty():
    problem = dense(Exactly(2), 5)
    for mixer in ("xy_complete", "grover"):
        encoding = encode(problem, mixer)
        assert encoding.qubo is problem.qubo
        assert encoding.blocks == (((0, 1, 2, 3, 4), 2),)
        assert not encoding.record
    assert encode(problem, "x").blocks == ()


def test_the_unbalanced_penalty_is_the_written_out_square():
    row = np.array([2.0, 1.0, 4.0])
    penalty = unbalanced_penalty(row, 3.0)
    for x in itertools.product((0, 1), repeat=3):
        g = (row @ x - 3.0) / 4.0
        assert float(penalty.energy(x)) == pytest.approx(0.9603 * g + 0.0371 * g * g, abs=1e-12)


@pytest.mark.parametrize(
    "constraint", [AtMost((2.0, 1.0, 4.0), 3.0), Limited(Exactly(1), ((2.0, 1.0, 4.0),), (3.0,))]
)
def test_inequalities_are_filtered_or_priced_and_recorded(constraint):
    problem = dense(constraint, 3)
    filtered, priced = (encode(problem, "x", inequality=how) for how in ("filter", "unbalanced"))
    assert filtered.record["inequality"] == "filter"
    assert priced.record["inequality"] == "unbalanced"
    gap = priced.qubo.energy([1, 1, 1]) - filtered.qubo.energy([1, 1, 1])
    assert gap > priced.qubo.energy([0, 0, 0]) - filtered.qubo.energy([0, 0, 0])


def test_bad_input_is_one_clear_error():
    with pytest.raises(ProblemError, match="use mixer 'x'"):
        encode(dense(AtMost((1.0, 1.0), 1.0), 2), "xy_complete")
    with pytest.raises(UnknownNameError, match="unbalanced"):
        encode(dense(Exactly(1), 2), "x", inequality="slack")
    with pytest.raises(ConfigError, match="positive"):
        encode(dense(Exactly(1), 2), "x", penalty=0.0)
