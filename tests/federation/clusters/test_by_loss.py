"""Clusters by loss: clients choose among the copies."""

import pytest
import torch
from small import federation, planted, same_module

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.clusters.by_loss import ByLoss, Choices, choosing_operations, least_loss
from qfl.federation.engine import LocalTraining
from qfl.models.keys import copy_id

HEAD = "head:*:y"


def founded(seed=0, **options):
    return federation(
        population=planted(seed=seed),
        training=LocalTraining(epochs=3),
        modules={"head:*": {"placement": "cluster"}},
        rounds=6,
        seed=seed,
        **{"division": ByLoss(), **options},
    )


def groups(members):
    """Whether clients that take turns are in two clusters, by their turn."""
    even, odd = ({members[f"client-0{i}"] for i in range(at, 6, 2)} for at in (0, 1))
    return len(even) == len(odd) == 1 and even != odd


@pytest.mark.parametrize("seed", range(6))
def test_the_planted_groups_are_found_and_gain(seed):
    record = list(founded(seed).play())[-1]
    assert groups(record.clusters.members)
    assert record.metrics["score@personal"] > 0.4


@pytest.mark.parametrize("seed", range(3))
def test_whoever_chooses_blindly_gains_nothing(seed, monkeypatch):
    """Mutation of the above: the loss is what finds the groups."""

    def blindly(who, versions):
        return str(who.index // 3)

    monkeypatch.setattr("qfl.federation.steps.visit.least_loss", blindly)
    assert list(founded(seed).play())[-1].metrics["score@personal"] < 0.1


def test_a_client_takes_the_copy_that_loses_least_and_the_first_of_equals():
    one = founded()
    who = one.participants[0]
    start = one.copies.of(one.state, 0)
    better = {**start, HEAD: {n: t.clone() for n, t in start[HEAD].items()}}
    trained = list(one.play()) and one.copies.of(one.state, 0)
    assert least_loss(who, {"x": start, "y": better}) == "x"
    assert least_loss(who, {"x": start, "y": trained}) == "y"
    assert choosing_operations(who, 3) == pytest.approx(
        who.model.training_operations(len(who.train))
    )


def test_copies_begin_apart_but_for_the_first():
    one = founded(division=ByLoss(count=3))
    shared = one.model.initial_state(Streams(11))
    copies = [one.state[copy_id(HEAD, str(k))] for k in range(3)]
    assert same_module(copies[0], one.model.initial_state(Streams(0))[HEAD])
    assert not torch.equal(copies[1]["weight"], copies[2]["weight"])
    assert torch.equal(copies[1]["bias"], shared[HEAD]["bias"])
    book = Choices(ByLoss(count=2, spread=2.0), Streams(3))
    wide = {"head:*:y": {"weight": torch.zeros(50, 400)}}
    spread = book.begun("1", wide)["head:*:y"]["weight"].std()
    assert float(spread) == pytest.approx(2.0 / 20, rel=0.05)  # 20,000 draws: 10 standard errors


@pytest.mark.parametrize("options", [{"count": 0}, {"spread": 0.0}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match="allowed: at least 1, and above 0"):
        ByLoss(**options)
