"""Every consideration enters the question of a round with its own weight, and with no other."""

from dataclasses import replace

import numpy as np
import pytest
import small

from qfl.federation.deciding.proposal import Question, selection_problem
from qfl.federation.deciding.selection import SelectionWeights
from qfl.security.channel import Sealed
from qfl.solvers.exact import Exact

NOTHING = SelectionWeights(loss=0, staleness=0, samples=0, redundancy=0, latency=0)
VECTOR, IMU, SERIES = small.MODALITIES
MEMBERS = small.population(
    4,
    held={
        0: ((VECTOR,), ("task_0",)),
        1: ((VECTOR,), ("task_0", "task_1")),
        2: ((IMU,), ("task_2",)),
        3: ((VECTOR,), ("task_0",)),
    },
)


@pytest.fixture(scope="module")
def federation():
    """A federation after three rounds over sealed links."""
    found = small.found(MEMBERS, choose=2, channel=Sealed(), weights=replace(NOTHING, keys=1.0))
    list(found.train(1, 3))
    return found


def asked(federation, weights, round_index=4):
    return selection_problem(
        Question(round_index, 2, range(4)),
        federation.participants,
        federation.observations,
        federation.holdings,
        policies=replace(federation.policies, weights=weights),
        exchange=federation.exchange,
    ).qubo


def test_without_weights_all_choices_are_alike(federation):
    qubo = asked(federation, NOTHING)
    assert not qubo.linear.any()
    assert not qubo.quadratic.any()


def test_coverage_counts_rounds_in_units_of_calling_everybody_once(federation):
    last = federation.observations.last_round
    waiting = federation.holdings.waiting(last, 9)
    assert len(set(waiting)) > 1
    qubo = asked(federation, replace(NOTHING, coverage=3.0), round_index=9)
    np.testing.assert_allclose(qubo.linear, -3.0 * waiting * 2 / 4)
    assert not qubo.quadratic.any()


def test_overlap_makes_clients_with_the_same_pairs_redundant(federation):
    qubo = asked(federation, replace(NOTHING, overlap=2.0))
    expected = np.zeros((4, 4))
    expected[0, 1], expected[0, 3], expected[1, 3] = 1.0, 2.0, 1.0
    np.testing.assert_allclose(qubo.quadratic, expected)
    assert not qubo.linear.any()


def test_overlap_and_updates_add_up(federation):
    both = asked(federation, replace(NOTHING, overlap=2.0, redundancy=0.5)).quadratic
    pairs = asked(federation, replace(NOTHING, overlap=2.0)).quadratic
    updates = asked(federation, replace(NOTHING, redundancy=0.5)).quadratic
    np.testing.assert_allclose(both, pairs + updates)
    observed = federation.observations.redundancy()
    np.testing.assert_array_equal(updates, 0.5 * np.triu(observed, 1))
    assert observed.any()


def test_overlap_chooses_clients_that_hold_different_pairs(federation):
    problem = selection_problem(
        Question(4, 2, range(4)),
        federation.participants,
        federation.observations,
        federation.holdings,
        policies=replace(federation.policies, weights=replace(NOTHING, overlap=1.0)),
        exchange=federation.exchange,
    )
    chosen = np.flatnonzero(Exact().solve(problem, rng=np.random.default_rng(0)).x)
    assert 2 in chosen  # the only one that shares nothing with anybody


def test_key_balance_is_that_of_the_last_exchange_of_each_link(federation):
    """What the records say is left is what the channel says is left."""
    known = federation.observations.key_bits
    channel = federation.policies.channel
    assert known
    for index, bits in known.items():
        assert bits == channel.key_bits_left(federation.participants[index].client.name)
    most = max(known.values())
    expected = [-known.get(i, most) / most for i in range(4)]
    np.testing.assert_allclose(asked(federation, replace(NOTHING, keys=1.0)).linear, expected)


def test_without_keys_on_any_link_their_balance_says_nothing():
    """Over a plain channel nobody is preferred, neither those heard nor those unheard."""
    found = small.found(MEMBERS, choose=2)
    list(found.train(1, 2))
    assert set(found.observations.key_bits.values()) == {0}
    assert not asked(found, replace(NOTHING, keys=1.0)).linear.any()


def test_a_short_link_is_spared():
    """With key left on one link alone, that client is called."""
    found = small.found(MEMBERS, choose=2)
    found.observations.key_bits = {0: 100, 1: 90_000, 2: 100, 3: 60_000}
    qubo = asked(found, replace(NOTHING, keys=1.0))
    assert np.argsort(qubo.linear).tolist()[:2] == [1, 3]


def test_of_a_pool_the_same_is_asked_with_other_variables(federation):
    """Names, pairs and the number wanted are those of the pool."""
    weights = replace(NOTHING, overlap=2.0, latency=1.0, samples=1.0, coverage=1.0)
    problem = selection_problem(
        Question(4, 1, (3, 0, 1)),
        federation.participants,
        federation.observations,
        federation.holdings,
        policies=replace(federation.policies, weights=weights),
        exchange=federation.exchange,
    )
    assert problem.names == ("client-03", "client-00", "client-01")
    assert problem.qubo.quadratic[0, 1] == 2.0
    assert problem.constraint.k == 1
