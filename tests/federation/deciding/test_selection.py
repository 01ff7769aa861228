"""Utilities move with the training, and redundancy is symmetric and bounded."""

import numpy as np
import pytest

from qfl.core.update import Update
from qfl.federation.deciding.selection import REMEMBERED, Observations, SelectionWeights


def update(**modules):
    return Update(
        {m: {"w": np.array(v, np.float32)} for m, v in modules.items()}, dict.fromkeys(modules, 1)
    )


def noted(observations, client, round_index, loss, sent, received):
    observations.note(
        client, round_index=round_index, losses={"t": loss}, sent=sent, received=received
    )


def test_before_anything_was_heard_clients_differ_by_size_alone():
    utility = Observations(2).utility(np.array([25, 100]), SelectionWeights(), 1)
    assert utility == pytest.approx([1.0 + 1.0 + 0.25, 1.0 + 1.0 + 0.5])


def test_utility_follows_loss_and_staleness():
    observations = Observations(3)
    still = update(a=[0, 0], f=[0])
    noted(observations, 0, 4, 2.0, still, still)
    noted(observations, 1, 2, 0.5, still, still)
    only_loss = SelectionWeights(loss=1, staleness=0, samples=0)
    only_age = SelectionWeights(loss=0, staleness=1, samples=0)
    samples = np.array([10, 10, 10])
    assert observations.utility(samples, only_loss, 6) == pytest.approx([1.0, 0.25, 1.0])
    assert observations.utility(samples, only_age, 6) == pytest.approx([2 / 6, 4 / 6, 1.0])


def test_redundancy_is_zero_until_two_clients_were_heard():
    observations = Observations(3)
    assert not observations.redundancy().any()
    noted(observations, 1, 1, 1.0, update(a=[1, 0]), update(a=[0, 0]))
    assert not observations.redundancy().any()


def test_redundancy_tells_alike_from_balancing_clients():
    observations = Observations(5)
    start = update(a=[0, 0], f=[0])
    for client, change in enumerate(([2, 0], [5, 0.0], [-1, 0], [0, 1])):
        noted(observations, client, 1, 1.0, update(a=change, f=[1]), start)
    redundancy = observations.redundancy()
    assert redundancy[0, 1] == pytest.approx(1.0)
    assert redundancy[0, 2] < -0.3
    assert not redundancy[4].any()
    np.testing.assert_array_equal(redundancy, redundancy.T)
    assert (np.diagonal(redundancy) == 0).all()


def test_redundancy_is_the_error_of_a_subsets_mean_change():
    """For clients with deviations of equal length L: ||sum_S (g_i - mean g)||^2 is
    L^2 (K + 2 sum of redundancies)."""
    observations = Observations(3)
    start = update(a=[0, 0])
    angles = 2 * np.pi * np.arange(3) / 3
    changes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for client, change in enumerate(changes):
        noted(observations, client, 1, 1.0, update(a=change), start)
    redundancy = observations.redundancy()
    error = np.square(changes[[0, 1]].sum(0) - 2 * changes.mean(0)).sum()
    assert error == pytest.approx(2 + 2 * redundancy[0, 1], abs=1e-6)


def test_a_module_only_one_client_holds_makes_nobody_redundant():
    observations = Observations(2)
    noted(observations, 0, 1, 1.0, update(a=[1, 0]), update(a=[0, 0]))
    noted(observations, 1, 1, 1.0, update(b=[1, 0]), update(b=[0, 0]))
    assert not observations.redundancy().any()


def test_of_a_pool_everything_is_what_it_is_among_all():
    observations = Observations(5)
    start = update(a=[0, 0])
    for client, change in enumerate(([2, 0], [5, 1.0], [-1, 0])):
        noted(observations, client, client + 1, 1.0 + client, update(a=change), start)
    observations.key_bits = {1: 10, 3: 40}
    samples, weights = np.array([10, 20, 30, 40, 50]), SelectionWeights(keys=1.0)
    pool = (1, 3, 4)
    among_all = observations.utility(samples, weights, 6)
    np.testing.assert_array_equal(
        observations.utility(samples, weights, 6, pool), among_all[list(pool)]
    )
    everybody = observations.redundancy(range(5))
    np.testing.assert_array_equal(everybody, observations.redundancy())
    assert observations.redundancy((2, 0))[0, 1] == pytest.approx(-1.0)  # of two, less their mean


def test_the_changes_of_those_heard_last_are_remembered():
    observations, start = Observations(3 * REMEMBERED), update(a=[0, 0])
    for client in range(2 * REMEMBERED):
        noted(observations, client, client + 1, 1.0, update(a=[1, client]), start)
    assert sorted(observations.directions) == list(range(REMEMBERED, 2 * REMEMBERED))
    assert len(observations.losses) == 2 * REMEMBERED
    pool = (0, 2 * REMEMBERED - 1, REMEMBERED)
    matrix = observations.redundancy(pool)
    assert matrix[1, 2] != 0
    assert not matrix[0].any()
