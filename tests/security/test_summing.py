"""Masked sums of a round: the plain modular sum bit for bit, the plain mean to the grid's bound."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.changes import change_of
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.security.channel import Plain
from qfl.security.masked import Masked
from qfl.security.summing import MASKS
from tests.security.answering import CLIENTS, SHAPES, answers, gathered

SOME = {
    "encoder:image": range(6),
    "encoder:profile": (0, 2, 3, 4, 5, 6),
    "head:digit": range(7),
}


def some(index):
    return [module for module, holders in SOME.items() if index in holders]


@pytest.mark.parametrize("masks", MASKS)
def test_the_mean_over_holders_to_the_bound_of_the_grid(masks):
    given = answers(np.random.default_rng(3), holding=some)
    options = Masked(masks=masks)
    done = gathered(options, given)
    wanted = weighted_mean(answer.update for answer in given)
    step = 2 * options.largest_change / options.levels
    assert {module for update in done.updates for module in update.modules} == set(SHAPES)
    for update in done.updates:
        for module, tensors in update.modules.items():
            assert update.samples[module] == sum(20 + i for i in SOME[module])
            error = np.abs(tensors["weight"] - wanted[module]["weight"]).max()
            assert error <= step + 1e-6  # float32
    assert all(arrival.arrived and arrival.opened is None for arrival in done.arrivals.values())
    assert done.holders == {module: len(holders) for module, holders in SOME.items()}


@pytest.mark.parametrize("masks", MASKS)
def test_bit_for_bit_the_plain_modular_sum(masks, monkeypatch):
    """The same integers added in the clear: masks leave no trace."""
    seen = {}
    options = Masked(masks=masks, dropout=0.15)
    gatherer = options.gatherer(
        Plain().connect({}, run="test"),
        options.links(CLIENTS, rng=np.random.default_rng(0)),
        run="test",
    )
    summand = type(gatherer)._summand

    def noted(self, each, answer, integers, rng):
        seen[each.event.modules, answer.client] = summand(self, each, answer, integers, rng)
        return seen[each.event.modules, answer.client]

    sums = []
    mean = type(gatherer)._mean

    def kept(self, opened, event, received):
        sums.append((event, opened))
        return mean(self, opened, event, received)

    monkeypatch.setattr(type(gatherer), "_summand", noted)
    monkeypatch.setattr(type(gatherer), "_mean", kept)
    rng = np.random.default_rng(8)
    gatherer.gather(answers(rng, holding=some), round=1, rng=rng)
    assert sums
    for event, opened in sums:
        plain = sum(seen[event.modules, client] for client in opened.survivors)
        assert (opened.total == plain).all()


def test_too_few_holders_are_left_out_visibly_and_never_summed():
    given = answers(
        np.random.default_rng(0),
        holding=lambda i: ["head:digit"] + (["encoder:image"] if i < 2 else []),
    )
    done = gathered(Masked(), given)
    assert [set(update.modules) for update in done.updates] == [{"head:digit"}]
    [left_out] = [event for event in done.sums if event.given_up]
    assert left_out.modules == ("encoder:image",)
    assert left_out.given_up == "2 of the round's clients hold it, a masked sum needs 3"
    assert "encoder:image" not in done.holders


def test_dropouts_are_recovered_and_too_many_give_the_sum_up():
    given = answers(np.random.default_rng(1))
    outcomes = {"opened": 0, "given up": 0}
    for seed in range(12):
        [event] = gathered(Masked(dropout=0.35), given, seed=seed).sums
        assert event.key_bits == 256 * 21  # spent, whether the sum opens or not
        if event.given_up:
            outcomes["given up"] += 1
            assert "are needed" in event.given_up
        else:
            outcomes["opened"] += 1
            assert event.threshold == 5 <= event.survivors
    assert all(outcomes.values())


def test_numbers_beyond_the_grid_are_cut_and_counted():
    given = answers(np.random.default_rng(2))
    limit = 0.12
    beyond = sum(
        int((np.abs(change_of(a.update, a.received, list(SHAPES))) > limit).sum()) for a in given
    )
    assert beyond > 10
    [event] = gathered(Masked(largest_change=limit), given).sums
    assert (event.cut, event.cut_beside) == (beyond, 0)
    [event] = gathered(Masked(), given).sums
    assert event.cut == 0


def test_what_lies_beside_modules_is_counted_by_itself():
    given = [
        replace(
            answer,
            received=_beside(answer.received, scale=1.0),
            update=_beside(answer.update, scale=2.0),
        )
        for answer in answers(np.random.default_rng(2))
    ]
    [event] = gathered(Masked(largest_change=0.12), given).sums
    rest = ("control@head:digit",)
    beyond = sum(int((np.abs(change_of(a.update, a.received, rest)) > 0.12).sum()) for a in given)
    assert event.cut_beside == beyond > 10
    assert event.cut > event.cut_beside


def _beside(update, *, scale):
    head = {"weight": scale * np.ones(6, np.float32)}
    return Update(
        {**update.modules, "control@head:digit": head},
        {**update.samples, "control@head:digit": update.samples["head:digit"]},
    )


def test_cohorts_are_summed_apart():
    given = answers(np.random.default_rng(0))
    done = gathered(replace(Masked(), cohorts=2), given)
    assert [event.cohort for event in done.sums] == [0, 1]
    assert sorted(event.clients for event in done.sums) == [3, 4]
    assert sum(update.samples["head:digit"] for update in done.updates) == sum(range(20, 27))


def test_a_sparse_graph_of_masks_gives_the_same_sum():
    given = answers(np.random.default_rng(5))
    complete, sparse = (
        gathered(Masked(neighbours=degree), given, seed=4).updates[0] for degree in (0, 4)
    )
    assert sparse.samples == complete.samples
    for module in SHAPES:
        gap = np.abs(sparse.modules[module]["weight"] - complete.modules[module]["weight"]).max()
        assert gap <= 2 * 2 / 16_384 + 1e-6
