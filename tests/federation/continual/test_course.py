"""Through a stream: what each way remembers, and that the numbers are those of the matrix."""

from dataclasses import replace

import numpy as np
import pytest
from small import MODALITIES, TASKS, found, founder, numbers, population

from qfl.core.errors import ConfigError
from qfl.core.metrics import OF_CLIENTS_IN_STREAMS, OF_STREAMS, metric, over_clients
from qfl.core.record import SAMPLED
from qfl.core.rng import Streams
from qfl.federation.continual.course import Journey
from qfl.federation.continual.ewc import Ewc
from qfl.federation.continual.stages import Itinerary
from qfl.federation.continual.stock import size_bytes
from qfl.federation.continual.streams import Stream
from qfl.federation.continual.ways import Fresh, Joint, Naive, Rehearsal
from qfl.federation.deciding.selection import SelectionWeights
from qfl.federation.unlearning.systems import Founding

WHOLE = population(3, samples=480)
CLASSES = Stream(kind="classes", task="task_1", stages=2)
WAYS = {
    "naive": Naive(),
    "rehearsal": Rehearsal(60),
    "ewc": Ewc(1000.0),
    "joint": Joint(),
    "fresh": Fresh(),
}


def journey(way, rounds=4, stream=CLASSES):
    return Journey(
        way=way,
        stream=stream,
        population=WHOLE,
        found=founder(rounds=rounds, learning_rate=0.2, epochs=4),
        rounds=rounds,
        evaluated_clients=100,
        streams=Streams(7),
    )


@pytest.fixture(scope="module")
def played():
    return {name: list(journey(way).play()) for name, way in WAYS.items()}


def matrix(records, ends=(2, 4)):
    rows = [records[end].metrics for end in ends]
    return np.array([[row[f"score.on_stage@{j}"] for j in (1, 2)] for row in rows])


def test_every_round_is_scored_on_every_stage(played):
    for records in played.values():
        assert [record.round for record in records] == [0, 1, 2, 3, 4]
        for record in records:
            assert {"score.on_stage@1", "score.on_stage@2", "score"} <= set(record.metrics)
            present = {name for name in record.metrics if over_clients(name)}
            assert present <= (set(OF_CLIENTS_IN_STREAMS) if record is records[-1] else set())
    assert metric("score.on_stage@2").label == "score on stage 2"


def test_the_last_record_holds_what_follows_from_the_matrix(played):
    for name in ("naive", "rehearsal", "ewc"):
        last, found = played[name][-1].metrics, matrix(played[name])
        untrained = played[name][0].metrics["score.on_stage@2"]
        assert set(OF_STREAMS) <= set(last)
        assert last["continual_score"] == pytest.approx(found[1].mean())
        assert last["learning_score"] == pytest.approx(found.diagonal().mean())
        assert last["backward_transfer"] == pytest.approx(found[1, 0] - found[0, 0])
        assert last["forward_transfer"] == pytest.approx(found[0, 1] - untrained)
        assert last["forgetting"] == pytest.approx(found[0, 0] - found[1, 0])
        assert all(set(OF_STREAMS).isdisjoint(r.metrics) for r in played[name][:-1])


def test_references_say_only_what_means_something(played):
    assert set(OF_STREAMS) & set(played["joint"][-1].metrics) == {"continual_score", "memory_bytes"}
    assert set(OF_STREAMS) & set(played["fresh"][-1].metrics) == {"learning_score", "memory_bytes"}


def test_the_naive_way_forgets_and_memory_helps(played):
    """One class at a time: without memory the first class is lost altogether."""
    lost = {n: played[n][-1].metrics["forgetting"] for n in ("naive", "rehearsal", "ewc")}
    assert lost["naive"] > 0.5
    assert lost["rehearsal"] < lost["naive"] - 0.2
    assert lost["ewc"] <= lost["naive"]
    ceiling = played["joint"][-1].metrics["continual_score"]
    assert ceiling > played["naive"][-1].metrics["continual_score"] + 0.2


def test_all_ways_are_alike_in_the_first_stage_and_fresh_begins_the_second_anew(played):
    for name in ("rehearsal", "ewc", "fresh"):
        for mine, theirs in zip(played[name][:3], played["naive"][:3], strict=True):
            assert mine.metrics == theirs.metrics
    second = CLASSES.divided(WHOLE, Streams(7))[1].population
    found = founder(rounds=4, learning_rate=0.2, epochs=4)
    alone = found(replace(second, test=WHOLE.test), Founding(run="/alone"))
    for mine, theirs in zip(played["fresh"][3:], alone.train(3, 4), strict=True):
        assert mine.metrics["score"] == theirs.metrics["score"]
        assert mine.metrics["task_2.accuracy"] == theirs.metrics["task_2.accuracy"]


def test_memory_is_what_is_kept_beyond_the_present_stage(played):
    kept = {name: records[-1].metrics["memory_bytes"] for name, records in played.items()}
    assert kept["naive"] == kept["fresh"] == 0
    sample = WHOLE.clients[0].train.take(np.arange(1))
    tables = (sample.inputs, sample.targets, sample.available, sample.labelled)
    each = sum(array.nbytes for table in tables for array in table.values())
    parts = [s.population.clients for s in CLASSES.divided(WHOLE, Streams(7))]
    assert kept["rehearsal"] == each * sum(min(60, len(c.train)) for c in parts[0])
    assert kept["joint"] == each * max(sum(len(c.train) for c in stage) for stage in parts)
    assert kept["ewc"] % 3 == 0
    assert kept["ewc"] > 0


def test_the_most_that_was_kept_counts_and_not_the_last():
    """Two of three clients lack the last task, and keep nothing in its stage."""
    few = (MODALITIES, TASKS[1:3])
    uneven = population(3, held={1: few, 2: few}, samples=480)
    tasks = Stream(kind="tasks", tasks=("task_1", "task_2", "task_3"))
    way, streams = Rehearsal(10), Streams(7)
    trip = Itinerary(uneven, tasks.divided(uneven, streams), streams)

    def size(members):
        return sum(size_bytes(client.train) for client in members.clients)

    kept = [size(way.population(trip, at)) - size(trip.stages[at].population) for at in range(3)]
    assert kept[1] > kept[2] > kept[0] == 0
    records = list(replace(journey(way, rounds=3, stream=tasks), population=uneven).play())
    assert records[-1].metrics["memory_bytes"] == kept[1]


def test_other_metrics_are_those_on_the_test_samples_of_all_stages(played):
    sizes = [len(s.population.test) for s in CLASSES.divided(WHOLE, Streams(7))]
    for record in played["naive"]:
        parts = [record.metrics[f"score.on_stage@{j}"] for j in (1, 2)]
        both = np.average(parts, weights=sizes)
        assert record.metrics["task_1.accuracy"] == pytest.approx(both)


def test_only_ways_that_need_it_pay_between_stages(played):
    down = {
        name: [record.costs.payload_bytes_down for record in records]
        for name, records in played.items()
    }
    assert down["ewc"][2] == 2 * down["naive"][2]  # all three clients once more
    assert down["ewc"][4] == down["naive"][4]  # nothing comes after the last stage
    assert down["rehearsal"] == down["naive"]


def test_the_first_record_states_what_is_known_of_all_stages(played):
    first = played["naive"][0]
    assert first.facts["stages"] == 2
    total = sum(len(client.train) for client in WHOLE.clients)
    assert first.facts["samples_in_stage_1"] + first.facts["samples_in_stage_2"] == total
    assert first.facts["total_variation_of_stages"] == pytest.approx(0.5, abs=0.1)
    tasks = Stream(kind="tasks", tasks=("task_1", "task_2"))
    record = next(journey(Naive(), stream=tasks).play())
    assert record.holdings["client-00"]["tasks"] == [task.name for task in WHOLE.tasks]
    assert set(record.excluded) == {"task_0", "task_3"}  # no stage teaches these


def test_one_panel_of_all_clients_is_evaluated_in_all_stages():
    """Ten clients; only the first five have the task of the first stage. The panel is the one of
    a federation of all ten, so that some of it sit that stage out. The mutation draws four of
    those that are there, and states that all are five."""
    early, late = (MODALITIES, TASKS[1:3]), (MODALITIES, TASKS[2:3])
    members = population(10, held={i: early if i < 5 else late for i in range(10)}, samples=960)
    tasks = Stream(kind="tasks", tasks=("task_1", "task_2"))

    def played(candidates):
        weights = SelectionWeights(candidates=candidates)
        made = founder(rounds=2, choose=2, weights=weights)
        trip = journey(Naive(), rounds=2, stream=tasks)
        return list(replace(trip, population=members, found=made, evaluated_clients=4).play())

    records, whole = played(6), found(members, choose=2, evaluated_clients=4)
    panel = {members.clients[place].name for place in whole.panel}
    assert len(panel) == 4
    in_first = {name for name in panel if name < "client-05"}
    assert 0 < len(in_first) < 4
    stated = {name: records[0].facts[name] for name in SAMPLED}
    assert stated == {"clients": 10, "evaluated_clients": 4, "candidates": 6}
    for record in (records[0], records[1], records[2]):
        assert record.client_metrics.keys() == panel
    ordinary = [n for n, own in records[1].client_metrics.items() if "task_1.accuracy" in own]
    assert set(ordinary) == in_first
    assert len(records[2].candidates) == 6
    assert "candidates" not in played(10)[0].facts


def test_stages_may_have_rounds_of_their_own():
    uneven = Stream(kind="classes", task="task_1", stages=2, rounds=(3, 1))
    records = list(journey(Naive(), stream=uneven).play())
    found = matrix(records, ends=(3, 4))
    assert records[-1].metrics["backward_transfer"] == pytest.approx(found[1, 0] - found[0, 0])


def test_no_pull_is_the_naive_way(played):
    free = list(journey(Ewc(0.0)).play())
    for mine, theirs in zip(free, played["naive"], strict=True):
        for name, value in theirs.metrics.items():
            if name not in OF_STREAMS:
                assert mine.metrics[name] == pytest.approx(value, abs=0.02), name


def test_a_stronger_pull_stays_nearer():
    """Distance of the weights from those after the first stage."""
    distances = []
    for strength in (1.0, 1e4):
        moved = []

        class Watched(Ewc):
            def remember(self, federation, earlier, at, moved=moved):
                made = super().remember(federation, earlier, at)
                if earlier is not None:
                    old = federation.model.flatten(earlier.algorithm.state)
                    new = federation.model.flatten(made.algorithm.state)
                    moved.append(sum(float((new[n] - old[n]).square().sum()) for n in new))
                return made

        three = Stream(kind="noise", stages=3)
        list(journey(Watched(strength), rounds=3, stream=three).play())
        distances.append(moved[0])
    assert distances[1] < 0.7 * distances[0]


def test_tasks_one_after_another_with_memory_and_pull():
    tasks = Stream(kind="tasks", tasks=("task_1", "task_0", "task_2"))
    for way in (Rehearsal(12), Ewc(10.0), Joint()):
        records = list(journey(way, rounds=3, stream=tasks).play())
        assert len(records) == 4
        assert "score.on_stage@3" in records[-1].metrics


def test_it_repeats_and_refuses_what_does_not_divide(played):
    again = list(journey(Rehearsal(60)).play())
    assert [numbers(r) for r in again] == [numbers(r) for r in played["rehearsal"]]
    with pytest.raises(ConfigError, match="5 rounds cannot be divided among 2 stages"):
        next(journey(Naive(), rounds=5).play())
