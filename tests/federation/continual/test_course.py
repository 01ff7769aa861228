"""Through a stream: what each way remembers, and that the numbers are those of the matrix."""

import numpy as np
import pytest
import torch
from small import found, founder, numbers, population

from qfl.core.errors import ConfigError
from qfl.core.metrics import OF_STREAMS, metric
from qfl.core.rng import Streams
from qfl.federation.continual.course import Journey
from qfl.federation.continual.remembering import Ewc, Naive, Rehearsal, fisher_information
from qfl.federation.continual.streams import Stream

WHOLE = population(3, samples=480)
CLASSES = Stream(kind="classes", task="task_1", stages=2)


def journey(way, rounds=4, stream=CLASSES):
    return Journey(
        way=way,
        stream=stream,
        population=WHOLE,
        found=founder(rounds=rounds, learning_rate=0.2, epochs=4),
        rounds=rounds,
        streams=Streams(7),
    )


@pytest.fixture(scope="module")
def played():
    ways = {"naive": Naive(), "rehearsal": Rehearsal(60), "ewc": Ewc(1000.0)}
    return {name: list(journey(way).play()) for name, way in ways.items()}


def test_rounds_go_on_and_the_ends_of_stages_hold_the_matrix(played):
    for records in played.values():
        assert [record.round for record in records] == [0, 1, 2, 3, 4]
        assert [("score.on_stage@2" in r.metrics) for r in records] == [
            False,
            False,
            True,
            False,
            True,
        ]
        matrix = [[r.metrics[f"score.on_stage@{j}"] for j in (1, 2)] for r in records[2::2]]
        last = records[-1].metrics
        assert last["continual_score"] == pytest.approx(np.mean(matrix[1]))
        assert last["backward_transfer"] == pytest.approx(matrix[1][0] - matrix[0][0])
        assert last["forgetting"] == pytest.approx(matrix[0][0] - matrix[1][0])
        assert set(OF_STREAMS) - {"on_stage"} <= set(last)
        assert metric("score.on_stage@2").label.endswith("on stage, 2")


def test_the_naive_way_forgets_and_memory_helps(played):
    """One class at a time: without memory the first class is lost altogether."""
    lost = {name: records[-1].metrics["forgetting"] for name, records in played.items()}
    assert lost["naive"] > 0.5
    assert lost["rehearsal"] < lost["naive"] - 0.2
    assert lost["ewc"] <= lost["naive"]


def test_no_pull_is_the_naive_way(played):
    free = list(journey(Ewc(0.0)).play())
    for mine, theirs in zip(free, played["naive"], strict=True):
        for name, value in theirs.metrics.items():
            assert mine.metrics[name] == pytest.approx(value, abs=0.02), name


def test_a_stronger_pull_stays_nearer():
    """Distance of the weights from those after the first stage."""
    distances = []
    for strength in (1.0, 1e4):
        moved = []

        class Watched(Ewc):
            def tie(self, federation, earlier, moved=moved):
                made = super().tie(federation, earlier)
                if earlier is not None:
                    old = federation.model.flatten(earlier.state)
                    new = federation.model.flatten(made.state)
                    moved.append(sum(float((new[n] - old[n]).square().sum()) for n in new))
                return made

        list(journey(Watched(strength), rounds=2).play())
        distances.append(moved[0])
    assert distances[1] < 0.7 * distances[0]


def test_fisher_information_is_the_mean_squared_gradient():
    who = found(WHOLE).participants[0]
    state = found(WHOLE).state
    information = fisher_information(who, state)
    assert information.keys() == who.model.flatten(state).keys()
    assert all((tensor >= 0).all() for tensor in information.values())
    assert sum(float(tensor.sum()) for tensor in information.values()) > 0
    assert all(torch.isfinite(tensor).all() for tensor in information.values())


def test_memory_is_bounded_and_drawn_from_all_earlier_stages():
    stages = Stream(kind="noise", stages=3).divided(WHOLE, Streams(7))
    third = Rehearsal(20).population(stages, 2, Streams(7))
    for place, client in enumerate(third.clients):
        own = stages[2].population.clients[place].train.ids
        extra = client.train.ids[len(own) :]
        assert len(extra) == 20
        for earlier in stages[:2]:
            assert np.isin(extra, earlier.population.clients[place].train.ids).sum() == 10
    assert Rehearsal(20).population(stages, 0, Streams(7)).clients[0].train.ids.tolist() == (
        stages[0].population.clients[0].train.ids.tolist()
    )


def test_a_memory_too_small_for_every_earlier_stage_is_refused_before_anybody_trains():
    stream = Stream(kind="noise", stages=4)
    with pytest.raises(ConfigError, match="a memory of 2 holds no sample of each of 3 earlier"):
        next(journey(Rehearsal(2), stream=stream).play())
    stages = stream.divided(WHOLE, Streams(7))
    last, own = Rehearsal(3).population(stages, 3, Streams(7)), stages[3].population
    for client, alone in zip(last.clients, own.clients, strict=True):
        assert len(client.train) == len(alone.train) + 3


def test_it_repeats_and_refuses_what_does_not_divide(played):
    again = list(journey(Rehearsal(60)).play())
    assert [numbers(r) for r in again] == [numbers(r) for r in played["rehearsal"]]
    with pytest.raises(ConfigError, match="5 rounds cannot be divided among 2 stages"):
        next(journey(Naive(), rounds=5).play())
    with pytest.raises(ConfigError, match="memory"):
        Rehearsal(0)
    with pytest.raises(ConfigError, match="strength"):
        Ewc(-1.0)
