"""Utilities move with the training, and redundancy is symmetric and bounded."""

import numpy as np
import pytest

from qfl.core.update import Update
from qfl.federation.selection import Observations, SelectionWeights

HOLDINGS = [frozenset({"a", "f"}), frozenset({"a", "f"}), frozenset({"b", "f"})]


def update(**modules):
    return Update(
        {m: {"w": np.array(v, np.float32)} for m, v in modules.items()}, dict.fromkeys(modules, 1)
    )


def noted(observations, client, round_index, loss, sent, received):
    observations.note(
        client, round_index=round_index, losses={"t": loss}, sent=sent, received=received
    )


def test_before_anything_was_heard_clients_differ_by_size_alone():
    utility = Observations().utility(np.array([25, 100]), SelectionWeights(), 1)
    assert utility == pytest.approx([1.0 + 0.5 + 0.25, 1.0 + 0.5 + 0.5])


def test_utility_follows_loss_and_staleness():
    observations = Observations()
    still = update(a=[0, 0], f=[0])
    noted(observations, 0, 4, 2.0, still, still)
    noted(observations, 1, 2, 0.5, still, still)
    only_loss = SelectionWeights(loss=1, staleness=0, samples=0)
    only_age = SelectionWeights(loss=0, staleness=1, samples=0)
    samples = np.array([10, 10, 10])
    assert observations.utility(samples, only_loss, 6) == pytest.approx([1.0, 0.25, 1.0])
    assert observations.utility(samples, only_age, 6) == pytest.approx([2 / 6, 4 / 6, 1.0])


def test_redundancy_is_shared_modules_first_and_shared_direction_later():
    observations = Observations()
    before = observations.redundancy(HOLDINGS)
    assert before[0, 1] == 1.0
    assert before[0, 2] == pytest.approx(1 / 3)
    start = update(a=[0, 0], f=[0])
    noted(observations, 0, 1, 1.0, update(a=[1, 0], f=[1]), start)
    noted(observations, 1, 1, 1.0, update(a=[1, 1], f=[-1]), start)
    after = observations.redundancy(HOLDINGS)
    assert after[0, 1] == pytest.approx((np.sqrt(0.5) + 0.0) / 2)
    assert after[0, 2] == before[0, 2]
    np.testing.assert_array_equal(after, after.T)
    assert (np.diagonal(after) == 0).all()
    assert ((after >= 0) & (after <= 1)).all()
