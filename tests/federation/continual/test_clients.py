"""Matrices of single clients: scored with their own models, summed up as by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small import MODALITIES, TASKS, copied, founder, population, quadratic, same

from qfl.core.metrics import OF_CLIENTS_IN_STREAMS
from qfl.core.rng import Streams
from qfl.federation.continual.clients import OwnScores, at_home, handed_on
from qfl.federation.continual.course import Journey
from qfl.federation.continual.ewc import Ewc
from qfl.federation.continual.stages import Stage
from qfl.federation.continual.streams import Stream
from qfl.federation.continual.ways import CONTINUAL, Fresh, Naive, Rehearsal
from qfl.federation.ditto import Ditto
from qfl.federation.evaluate import evaluate, score, variances_of
from qfl.federation.population import TensorSamples
from qfl.federation.unlearning.systems import Founding

WHOLE = population(3, samples=480)
SEASONS = Stream(kind="noise", stages=2, strength=3.0)
FEW = (MODALITIES, TASKS[1:3])
UNEVEN = population(3, held={1: FEW, 2: FEW}, samples=480)
THREE = Stream(kind="tasks", tasks=("task_1", "task_2", "task_3"))
HEADS = ("head:*:task_1", "head:*:task_2", "head:*:task_3")


def journey(way=None, *, stream=SEASONS, members=WHOLE, exchange="full", rounds=4):
    return Journey(
        way=way or Naive(),
        stream=stream,
        population=members,
        found=founder(rounds=rounds, learning_rate=0.2, epochs=4, exchange=exchange),
        rounds=rounds,
        evaluated_clients=100,
        streams=Streams(7),
    )


def scores(records, name, ends, stages):
    """(ends, stages) of one client, from the records."""
    rows = [records[end].client_metrics[name] for end in ends]
    return np.array([[row[f"score.on_stage@{j}"] for j in stages] for row in rows])


@pytest.fixture(scope="module")
def shared():
    return list(journey().play())


@pytest.fixture(scope="module")
def kept():
    return list(journey(stream=THREE, members=UNEVEN, exchange="fedper", rounds=3).play())


def test_a_client_is_scored_on_its_own_samples_after_every_stage(shared):
    """The model is that of everybody: the first stage played again gives the same scores."""
    parts = SEASONS.divided(WHOLE, Streams(7))
    found = founder(rounds=4, learning_rate=0.2, epochs=4)
    again = found(replace(parts[0].population, test=WHOLE.test), Founding(run="/again"))
    list(again.train(1, 2))
    for number, part in enumerate(parts, 1):
        for client in part.population.clients:
            own = TensorSamples.of(client.test)
            pooled = variances_of(TensorSamples.of(part.population.test), part.tasks)
            found = evaluate(again.model, again.state, own, part.tasks, variances=pooled)
            expected = score(found)
            assert shared[2].client_metrics[client.name][f"score.on_stage@{number}"] == expected
    assert not any("score.on_stage@1" in own for own in shared[1].client_metrics.values())


def test_the_last_record_sums_up_the_matrices_of_the_clients(shared):
    """By hand from the records: two stages of two rounds."""
    own = {name: scores(shared, name, (0, 2, 4), (1, 2)) for name in shared[4].client_metrics}
    lost = [m[1, 0] - m[2, 0] for m in own.values()]
    last = shared[-1].metrics
    assert last["forgetting@personal"] == pytest.approx(np.mean(lost))
    assert last["forgetting@worst client"] == pytest.approx(max(lost))
    assert last["forgetting_spread"] == pytest.approx(np.std(lost))
    assert last["forgetting_spread"] > 0
    assert last["backward_transfer@personal"] == pytest.approx(-np.mean(lost))
    gained = [m[1, 1] - m[0, 1] for m in own.values()]
    assert last["forward_transfer@personal"] == pytest.approx(np.mean(gained))
    kept = [m[2].mean() for m in own.values()]
    assert last["continual_score@personal"] == pytest.approx(np.mean(kept))
    assert last["continual_score@worst client"] == pytest.approx(min(kept))
    assert set(OF_CLIENTS_IN_STREAMS) <= last.keys()
    assert last["continual_score"] != last["continual_score@personal"]


def test_a_clients_r2_compares_with_the_variance_of_the_stage(monkeypatch):
    """Two samples of nearly the same target: by their own variance, .0025, the score would be
    -399; by that of the stage's four, 1.25, a mean squared error of 1 is .2."""
    found = founder(rounds=4)(quadratic(), Founding())
    few = found.population.clients[0].test.take(np.arange(2))
    few = replace(few, targets={"y": np.array([1.0, 1.1], np.float32)})
    whole = found.population.test.take(np.arange(4))
    whole = replace(whole, targets={"y": np.array([0.0, 1.0, 2.0, 3.0], np.float32)})
    client = replace(found.population.clients[0], test=few)
    members = replace(found.population, clients=(client,), test=whole, numbers=(0,))
    stage = Stage(members, members.tasks)
    answers = {"y": torch.tensor([[2.0], [0.1]])}
    monkeypatch.setattr(type(found.model), "predict", lambda *_: answers)
    made = OwnScores([stage], [0])
    made.note(found, None)
    assert made._rows == [{client.name: pytest.approx([0.2])}]
    assert score(evaluate(found.model, found.state, TensorSamples.of(few), members.tasks)) < -390


def test_clients_that_are_not_on_the_panel_are_not_scored():
    made = OwnScores(SEASONS.divided(WHOLE, Streams(7)), [2])
    made.note(founder(rounds=4)(WHOLE, Founding()), None)
    assert [set(row) for row in made._rows] == [{"client-02"}]


def test_known_matrices_have_known_summaries(monkeypatch):
    """Three made-up clients; the last one never met the second stage, which the mutation, a zero
    in its place, would show."""
    made = OwnScores(SEASONS.divided(WHOLE, Streams(7)), range(3))
    names = [client.name for client in WHOLE.clients]
    rows = {
        names[0]: [[0.1, 0.1], [0.9, 0.3], [0.5, 0.8]],
        names[1]: [[0.1, 0.2], [0.8, 0.2], [0.9, 0.6]],
        names[2]: [[0.1, np.nan], [0.6, np.nan], [0.3, np.nan]],
    }
    monkeypatch.setattr(
        made, "_rows", [{n: np.array(rows[n][at]) for n in names} for at in range(3)]
    )
    found = made.summary(CONTINUAL)
    assert found == pytest.approx(
        {
            "continual_score@personal": (0.65 + 0.75 + 0.3) / 3,
            "continual_score@worst client": 0.3,
            "learning_score@personal": (0.85 + 0.7 + 0.6) / 3,
            "forgetting@personal": (0.4 - 0.1 + 0.3) / 3,
            "forgetting@worst client": 0.4,
            "forgetting_spread": np.std([0.4, -0.1, 0.3]),
            "backward_transfer@personal": (-0.4 + 0.1 - 0.3) / 3,
            "forward_transfer@personal": (0.2 + 0.0) / 2,
        }
    )
    assert made.summary(("learning_score",)).keys() == {"learning_score@personal"}


def stage_by_stage(found):
    """What three stages of one round each hand on, and the last federation."""
    parts, standing = THREE.divided(UNEVEN, Streams(7)), None
    for at, part in enumerate(parts):
        members = replace(part.population, test=UNEVEN.test)
        federation = found(members, Founding(run=f"/stage-{at + 1}", standing=standing))
        list(federation.train(at + 1, at + 1))
        standing = handed_on(federation, standing)
    return parts, federation, standing


def test_heads_that_stay_at_home_are_not_forgotten_by_who_sits_out(kept):
    """Two of three clients lack the last task and sit its stage out: afterwards they still answer
    with the heads they left. The mutation scores them with the server's, which nobody trained."""
    found = founder(rounds=3, learning_rate=0.2, epochs=4, exchange="fedper")
    parts, federation, standing = stage_by_stage(found)
    assert at_home(federation)
    home = standing.kept
    assert len(parts[2].population.clients) == 1
    assert set(home["client-01"]) == set(HEADS[:2])
    assert set(home["client-00"]) == set(HEADS)
    own = TensorSamples.of(parts[0].population.clients[1].test)
    state = {**federation.state, **home["client-01"]}
    expected = score(evaluate(federation.model, state, own, parts[0].tasks))
    assert kept[3].client_metrics["client-01"]["score.on_stage@1"] == expected
    servers = score(evaluate(federation.model, federation.state, own, parts[0].tasks))
    assert expected > servers
    assert same(
        {m: federation.state[m] for m in HEADS},
        {m: federation.model.initial_state(Streams(7))[m] for m in HEADS},
    )


def ditto(members, founding):
    plain = founder(rounds=3, learning_rate=0.2, epochs=4)
    return plain(members, replace(founding, algorithm=founding.algorithm or Ditto(0.1)))


def test_a_personal_model_goes_on_and_gains_the_heads_of_later_stages():
    """Who sits out is scored with the model it left; who goes on keeps its own and gets a head as
    everybody's begins. The mutation, the server's model, scores otherwise."""
    journey_ = replace(journey(stream=THREE, members=UNEVEN, rounds=3), found=ditto)
    records = list(journey_.play())
    parts, federation, standing = stage_by_stage(ditto)
    assert set(HEADS[:2]) < set(standing.own["client-01"])
    assert HEADS[2] not in standing.own["client-01"]
    assert set(HEADS) < set(standing.own["client-00"])
    own = TensorSamples.of(parts[0].population.clients[1].test)
    state = {**federation.state, **standing.own["client-01"]}
    expected = score(evaluate(federation.model, state, own, parts[0].tasks))
    assert records[3].client_metrics["client-01"]["score.on_stage@1"] == expected
    assert expected != score(evaluate(federation.model, federation.state, own, parts[0].tasks))
    assert all("score.on_stage@3" in record.metrics for record in records)
    assert [records[at].staleness.homes for at in (1, 2, 3)] == [
        {"0": 3},
        {"0": 3},
        {"0": 1, "1": 2},  # two sit out and keep their models; the mutation loses them
    ]


def test_the_servers_model_is_not_scored_where_nobody_uses_it(kept):
    for record in kept:
        assert not any("on_stage" in name for name in record.metrics)
    last = kept[-1].metrics
    assert not {"forgetting", "continual_score", "backward_transfer"} & last.keys()
    assert last["memory_bytes"] == 0
    own = {n: kept[3].client_metrics[n] for n in ("client-00", "client-01")}
    assert "score.on_stage@3" in own["client-00"]
    assert "score.on_stage@3" not in own["client-01"]


def test_a_head_at_home_gives_nothing_to_a_stage_before_it_comes(kept):
    assert kept[-1].metrics["forward_transfer@personal"] == 0.0


def test_fresh_starts_forget_what_was_at_home():
    records = list(journey(Fresh(), exchange="fedper").play())
    untrained = records[0].client_metrics
    assert records[-1].metrics.keys() & OF_CLIENTS == {"learning_score@personal"}
    assert {n: own["score.on_stage@2"] for n, own in records[2].client_metrics.items()} != {
        n: own["score.on_stage@2"] for n, own in untrained.items()
    }


OF_CLIENTS = set(OF_CLIENTS_IN_STREAMS)


def test_weights_at_home_are_pulled_to_where_their_client_left_them():
    """The anchor of a head is the client's own; the mutation anchors it at the server's."""
    found = founder(rounds=2, learning_rate=0.2, epochs=4, exchange="fedper")
    federation = found(WHOLE, Founding())
    list(federation.train(1, 1))
    way = Ewc(10.0)
    memento = way.remember(federation, None, 0)
    who = federation.participants[0]
    own = federation.courier.kept[who.index]
    assert own.keys() == {f"head:*:{task}" for task in TASKS}
    carried = memento.algorithm.carried(who, federation.state)
    servers, there = (who.model.flatten({**federation.state, **more}) for more in ({}, own))
    assert all(torch.equal(carried[f"anchor:{name}"], there[name]) for name in there)
    moved = {name for name in there if not torch.equal(there[name], servers[name])}
    assert {name.partition(":")[0].rpartition(".")[2] for name in moved} == {"head"}
    again = way.remember(federation, memento, 1).algorithm
    assert same(again.homes[who.number], copied(own))


def test_all_ways_but_references_say_all_of_it():
    for way in (Rehearsal(60), Ewc(10.0)):
        records = list(journey(way, exchange="fedper").play())
        assert set(OF_CLIENTS_IN_STREAMS) <= records[-1].metrics.keys()
