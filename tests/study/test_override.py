"""Dotted keys: whole sections, then rows, then options; what leads nowhere is an issue."""

from copy import deepcopy

import pytest

from qfl.study.override import alone, apply, flatten


def test_flat_keys_build_the_tables_that_they_came_from(toy_world, settings):
    again = {}
    assert apply(again, flatten({k: v for k, v in settings.items() if k != "methods"})) == []
    assert again == {k: v for k, v in settings.items() if k != "methods"}


def test_the_order_of_keys_does_not_matter(toy_world, settings):
    """An option is of the new row even where it is named first: what that row does not know stays,
    to be refused, and does not vanish with the old one."""
    settings["federation"]["algorithm"] = "pull"
    changes = {"federation.mu": 0.5, "federation.algorithm": "average"}
    one, other = deepcopy(settings), deepcopy(settings)
    apply(one, changes)
    apply(other, dict(reversed(changes.items())))
    assert one == other
    assert one["federation"]["mu"] == 0.5


def test_a_row_that_goes_takes_its_own_options_along(toy_world, settings):
    settings["federation"] = {**settings["federation"], "algorithm": "pull", "mu": 0.5}
    apply(settings, {"federation.algorithm": "average"})
    assert settings["federation"] == {"algorithm": "average", "rounds": 3, "clients_per_round": 4}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("methods.qoaa.depth", "did you mean 'qaoa'"),
        ("seeds.first", "seeds is a single value, not a table"),
    ],
)
def test_keys_that_lead_nowhere_are_issues(toy_world, settings, key, message):
    [issue] = apply(settings, {key: 1})
    assert message in str(issue)


def test_a_method_alone_is_a_study_with_what_it_changes(toy_world, settings):
    before = deepcopy(settings)
    method = {**settings["methods"][1], "selection": {"loss": 0.5}}
    found = alone(settings, method)
    assert found["methods"] == [settings["methods"][1]]
    assert found["selection"] == {"problem": "choose", "loss": 0.5}
    assert (found["headline"]["method"], found["headline"]["baseline"]) == ("qaoa", "qaoa")
    assert "profiles" not in found
    assert settings == before
