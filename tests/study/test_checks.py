"""What only several settings together show to be wrong: the key, what was seen, what to do."""

import pytest

from qfl.study import checks
from qfl.study.options import Issues


def refused(check, *settings):
    with pytest.raises(Issues) as error:
        check(*settings)
    [issue] = error.value.issues
    return str(issue)


@pytest.mark.parametrize(
    ("check", "fine", "wrong", "message"),
    [
        (
            checks.check_ranks,
            {"algorithm": "fedlora", "lora_ranks": (2, 4)},
            {"algorithm": "fedavg", "lora_ranks": (2, 4)},
            "fedavg cannot add factors of ranks [2, 4]",
        ),
        (
            checks.check_uplink,
            {"clients_per_round": 4, "uplink_slots": 2, "uplink_capacity": 2},
            {"clients_per_round": 5, "uplink_slots": 2, "uplink_capacity": 2},
            "2 slots x uplink_capacity 2 cannot take 5 uploads",
        ),
        (
            checks.check_algorithm,
            {"algorithm": "scaffold", "optimiser": "sgd"},
            {"algorithm": "scaffold", "optimiser": "adamw"},
            "scaffold reads gradients off plain steps",
        ),
        (
            checks.check_algorithm,
            {"algorithm": "tap", "rule": "held_out", "validation_fraction": 0.1},
            {"algorithm": "tap", "rule": "held_out", "validation_fraction": 0},
            "set it above 0",
        ),
    ],
)
def test_a_federation_that_contradicts_itself_is_refused(check, fine, wrong, message):
    check(fine)
    assert message in refused(check, wrong)


def test_more_clients_than_the_scenario_or_the_pool_has():
    checks.check_choice({"clients": 4}, {"clients_per_round": 4})
    checks.check_choice({}, {"clients_per_round": 4})
    wrong = refused(checks.check_choice, {"clients": 3}, {"clients_per_round": 4})
    assert "cannot choose 4 of 3; allowed: 1 to scenario.clients = 3" in wrong
    study = {"federation": {"clients_per_round": 4}, "selection": {"candidates": 3}}
    [issue] = checks.unfit_candidates(study)
    assert "from a pool of 3" in str(issue)
    assert checks.unfit_candidates({**study, "selection": {}}) == []


def test_a_study_trains_or_decides_and_has_the_sections_of_one():
    whole = {name: {"name": "x"} for name in checks.FEDERATION}
    assert checks.unfit_sections(whole) == []
    assert checks.unfit_sections({"decision": {"problem": "x"}}) == []
    missing = checks.unfit_sections({})
    assert len(missing) == len(checks.FEDERATION)
    both = checks.unfit_sections({**whole, "decision": {"problem": "x"}, "privacy": {"m": 1}})
    assert len(both) == len(checks.FEDERATION) + 1
    assert all("leave this section out" in str(issue) for issue in both)


def test_labels_used_twice_and_methods_that_repeat_another_are_named():
    methods = [
        {"label": "a", "solver": "x", "shots": 1},
        {"label": "a", "solver": "y"},
        {"label": "b", "shots": 1, "solver": "x"},
    ]
    twice, again = checks.duplicates(methods)
    assert "two methods have this label" in str(twice)
    assert "same solver and options as 'a'" in str(again)


def test_a_headline_of_methods_that_are_not_there_names_the_nearest():
    given = {"methods": [{"solver": "exact"}], "headline": {"method": "exat", "baseline": "exact"}}
    [issue] = checks.unlabelled(given)
    assert "did you mean 'exact'" in str(issue)
    assert checks.unlabelled({"methods": "text", "headline": None}) == []


def test_slots_need_a_shared_uplink():
    methods = [{"label": "a", "slots": {"solver": "exact"}}, {"label": "b"}]
    assert checks.without_uplink(methods, {"uplink_slots": 2}) == []
    [issue] = checks.without_uplink(methods, {"uplink_slots": 0})
    assert "no shared uplink" in str(issue)
