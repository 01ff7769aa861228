"""Requests to forget in a study: what they can be combined with, and that cells play them."""

import pytest

from qfl.core.errors import StudyError
from qfl.core.metrics import OF_FORGETTING
from qfl.study import Study
from qfl.study.assemble import play
from qfl.study.grid import cells, pairing_key

SYNTHETIC = {
    "name": "synthetic",
    "clients": 4,
    "groups": 1,
    "patterns": 4,
    "samples_per_client": 40,
    "test_samples": 60,
}


def study(**changes):
    plain = {
        "name": "forgetful",
        "title": "Forgetful",
        "question": "What is left?",
        "hypothesis": "Nothing.",
        "seeds": 1,
        "scenario": SYNTHETIC,
        "federation": {
            "algorithm": "fedavg",
            "rounds": 4,
            "clients_per_round": 4,
            "epochs": 1,
            "model_width": 4,
        },
        "selection": {"problem": "client_selection", "redundancy": 0.0},
        "channel": {"name": "plain"},
        "forget": {
            "method": "retrain",
            "clients": ["client-02"],
            "round": 3,
            "retrainings": 2,
        },
        "methods": [
            {"label": "retrain", "solver": "random"},
            {"label": "shards", "solver": "random", "forget": {"method": "sharded", "shards": 2}},
            {"label": "replay", "solver": "random", "forget": {"method": "replay"}},
        ],
        "headline": {"metric": "forgetting_cost", "method": "shards", "baseline": "retrain"},
    }
    return Study(**{**plain, **changes})


def broken(**changes):
    with pytest.raises(StudyError) as caught:
        study(**changes)
    return dict(caught.value.issues)


def test_every_way_to_forget_is_a_cell_and_the_cells_are_paired():
    grid = cells(study())
    assert [cell.forget["method"] for cell in grid] == ["retrain", "sharded", "replay"]
    assert [cell.forget.get("shards") for cell in grid] == [None, 2, None]
    assert len({pairing_key(cell) for cell in grid}) == 1
    assert len({cell.id for cell in grid}) == 3


def test_cells_forget():
    """Keys too: shards and retrained federations found channels of their own."""
    for cell in cells(study(channel={"name": "sealed"})):
        records = list(play(cell))
        assert [record.round for record in records] == [0, 1, 2, 3, 4]
        assert set(OF_FORGETTING) - {"membership_auc"} <= set(records[3].metrics)
        later = [e.client for record in records[4:] for e in record.links]
        assert later
        assert "client-02" not in later


def test_masked_federations_can_forget_what_needs_no_single_update():
    masked = {"name": "masked", "smallest": 2}
    quick = [{"label": "retrain", "solver": "random"}]
    headline = {"metric": "test_gap", "method": "retrain", "baseline": "retrain"}
    [cell] = cells(study(channel=masked, methods=quick, headline=headline))
    assert list(play(cell))[3].metrics["test_gap"] == 0.0
    found = broken(channel=masked)
    assert "under masks the server sees sums alone" in found["methods.replay.forget.method"]


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"forget": {"method": "retrain"}}, "forget", "name exactly one of the three"),
        ({"forget": {"method": "forget it", "task": "task_1"}}, "forget.method", "unknown way"),
        (
            {"forget": {"method": "retrain", "task": "task_1", "round": 5}},
            "forget.round",
            "round 5 of 4 is for forgetting; allowed: 2 to 4",
        ),
        (
            {"privacy": {"mechanism": "central"}, "selection": {"problem": "client_selection"}},
            "forget.method",
            "spends the privacy budget of those who stay again",
        ),
        (
            {"adversary": {"attack": "sign_flip", "corrupted": 1}},
            "forget.method",
            "liars are drawn once",
        ),
        (
            {"federation": {"algorithm": "ditto", "rounds": 4, "clients_per_round": 4}},
            "federation.algorithm",
            "ditto keeps more than the modules",
        ),
        (
            {"federation": {"algorithm": "scaffold", "rounds": 4, "clients_per_round": 4}},
            "methods.replay.forget.method",
            "scaffold sends something else",
        ),
        (
            {"federation": {"algorithm": "fedavg", "rounds": 4, "clients_per_round": 3}},
            "methods.shards.forget.shards",
            "3 clients a round cannot be divided evenly among 2 shards",
        ),
        (
            {"headline": {"metric": "qber", "method": "shards", "baseline": "retrain"}},
            "headline.metric",
            "unknown metric 'qber'",
        ),
    ],
)
def test_what_cannot_be_combined_is_refused_with_the_alternative(changes, key, message):
    assert message in broken(**changes)[key]


def test_the_examination_heads_only_a_study_that_forgets():
    lone = [{"label": "random", "solver": "random"}]
    headline = {"metric": "forgetting_cost", "method": "random", "baseline": "random"}
    found = broken(forget={}, methods=lone, headline=headline)
    assert "unknown metric 'forgetting_cost'" in found["headline.metric"]


def test_names_that_the_scenario_has_not_are_refused_before_anybody_trains():
    forget = {"method": "retrain", "clients": ["client-07", "client-02"], "round": 3}
    assert broken(forget=forget)["forget.clients"] == (
        "unknown client 'client-07' (did you mean 'client-03'?); "
        "allowed: client-00, client-01, client-02, client-03"
    )
    for kind, near in (("task", "task_0"), ("modality", "imu_1")):
        message = broken(forget={"method": "retrain", kind: near[:-1] + "9"})[f"forget.{kind}"]
        assert message.startswith(f"unknown {kind}")
        assert near in message
    swept = broken(sweep={"scenario.clients": [4, 8], "forget.clients": [["client-05"]]})
    assert set(swept) == {"sweep.forget.clients"}
