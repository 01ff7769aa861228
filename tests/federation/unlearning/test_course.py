"""A federation that is asked to forget, from its first record to its last."""

import pytest
from small import MODALITIES, TASKS, founder, numbers, population

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.metrics import OF_FORGETTING, metric
from qfl.core.rng import Streams
from qfl.federation.engine import LocalTraining
from qfl.federation.plan import Schedule
from qfl.federation.unlearning.course import Course
from qfl.federation.unlearning.replay import Replay
from qfl.federation.unlearning.requests import Request
from qfl.federation.unlearning.retrain import Nothing, Retrain
from qfl.federation.unlearning.sharded import Sharded

WHOLE = population(4, samples=2000, test_fraction=0.5)
ROUNDS = 4


def course(unlearner, population=WHOLE, **asked):
    asked = asked or {"clients": ("client-02",)}
    return Course(
        unlearner=unlearner,
        request=Request(**{"round": 3, "retrainings": 2, **asked}),
        population=population,
        found=founder(choose=4),
        schedule=Schedule(rounds=ROUNDS, clients_per_round=4, model_width=8),
        training=LocalTraining(batch_size=32),
        streams=Streams(7),
    )


@pytest.fixture(scope="module")
def played():
    ways = {"retrain": Retrain(), "sharded": Sharded(2), "replay": Replay(), "nothing": Nothing()}
    return {name: list(course(way).play()) for name, way in ways.items()}


def test_one_round_is_for_forgetting_and_the_others_go_on(played):
    for records in played.values():
        assert [record.round for record in records] == [0, 1, 2, 3, 4]
        assert [len(record.selected) for record in records] == [0, 4, 4, 0, 3]
        assert "client-02" in records[2].client_metrics
        assert all("client-02" not in record.client_metrics for record in records[3:])
        assert records[0].facts["erased_samples"] == len(WHOLE.clients[2].train)


def test_exact_ways_leave_nothing(played):
    for name in ("retrain", "sharded"):
        found = played[name][3].metrics
        for exact in ("forget_gap", "retain_gap", "test_gap", "output_divergence"):
            assert found[exact] == 0.0
        assert found["retraining_distance"] == 0.0
        n = 200
        assert abs(found["membership_auc"] - 0.5) < 4 * ((2 * n + 1) / (12 * n * n)) ** 0.5


def test_mutation_doing_nothing_is_found_out(played):
    found, exact = played["nothing"][3].metrics, played["retrain"][3].metrics
    assert found["output_divergence"] > 0
    assert found["retraining_distance"] > 0
    assert found["relearn_steps"] == 0 < exact["relearn_steps"]
    assert found["membership_auc"] > exact["membership_auc"]


def test_prices_are_in_order(played):
    cost = {name: records[3].metrics["forgetting_cost"] for name, records in played.items()}
    assert cost["retrain"] == 1.0
    assert cost["sharded"] <= 1 / 2 + 0.05
    assert cost["nothing"] == 0 < cost["replay"] < 1
    stored = {name: records[3].metrics["stored_bytes"] for name, records in played.items()}
    assert stored["retrain"] == stored["nothing"] == 0 < stored["replay"]


def test_every_number_has_a_meaning_and_is_in_the_record_of_that_round_alone(played):
    for records in played.values():
        assert set(OF_FORGETTING) <= set(records[3].metrics)
        assert all(metric(name).definition for name in records[3].metrics)
        assert not any(set(OF_FORGETTING) & set(r.metrics) for r in (*records[:3], records[4]))


def test_a_course_repeats_bit_for_bit(played):
    again = list(course(Replay()).play())
    assert [numbers(r) for r in again] == [numbers(r) for r in played["replay"]]


@pytest.mark.parametrize("way", [Retrain(), Sharded(2), Replay(), Nothing()])
@pytest.mark.parametrize("asked", [{"modality": MODALITIES[1]}, {"task": "task_1"}])
def test_modalities_and_tasks_can_be_forgotten_too(way, asked):
    whole = population(4, held={3: ((MODALITIES[1],), ("task_1",))}, samples=240)
    records = list(course(way, whole, **asked, round=2).play())
    name = f"encoder:{MODALITIES[1]}:*" if "modality" in asked else "head:*:task_1"
    assert records[2].left_out == {name: "forgotten"}
    found = records[2].metrics
    assert "membership_auc" not in found
    assert {"forget_gap", "test_gap", "retraining_distance", "relearn_steps"} <= set(found)
    if "task" in asked:
        assert not any(key.startswith("task_1.") for key in records[-1].metrics)
    else:
        assert not any(key.endswith(MODALITIES[1]) for key in records[-1].metrics)


def test_the_last_holder_of_a_module_takes_it_along_and_the_record_says_so():
    rest = ((MODALITIES[0],), TASKS[:2])
    whole = population(3, held={0: rest, 2: rest}, samples=120)
    records = list(course(Retrain(), whole, clients=("client-01",), round=2).play())
    assert records[2].left_out == dict.fromkeys(
        [
            *(f"encoder:{name}:*" for name in MODALITIES[1:]),
            *(f"head:*:{name}" for name in TASKS[2:]),
        ],
        "nobody is left who holds it",
    )


def test_a_request_that_makes_no_sense_fails_before_anybody_trains():
    with pytest.raises(UnknownNameError, match="client-77"):
        next(course(Retrain(), clients=("client-77",)).play())
    with pytest.raises(ConfigError, match="round 5 of 4 is for forgetting; allowed: 2 to 4"):
        next(course(Retrain(), clients=("client-02",), round=5).play())
    with pytest.raises(ConfigError, match="round 1 of 4"):
        next(course(Retrain(), clients=("client-02",), round=1).play())


@pytest.mark.parametrize("asked", [{"modality": MODALITIES[1]}, {"task": "task_1"}])
def test_a_member_of_what_stays_is_asked_for_too(asked):
    """Clients stay: their training samples that had it against their test samples that had it."""
    first, *_, last = (r for r in course(Retrain(), **asked, round=2).play() if r.round in (0, 2))
    both = [sum(len(getattr(c, part)) for c in WHOLE.clients) for part in ("train", "test")]
    assert [first.facts["erased_samples"], first.facts["never_seen_samples"]] == both
    assert abs(last.metrics["membership_auc"] - 0.5) < 0.06  # of retrainings: 0.02 is their spread
