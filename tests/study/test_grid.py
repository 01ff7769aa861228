"""A study becomes cells: order, labels, axes, pairing, choice."""

import pytest

from qfl.core.errors import ConfigError
from qfl.study.grid import axis_names, cells, pairing_key, select
from qfl.study.model import Study


def labels(study):
    return [(cell.seed, dict(cell.labels)) for cell in cells(study)]


def test_cells_come_seed_by_seed_then_method_by_method(study):
    assert labels(study) == [
        (0, {"method": "random"}),
        (0, {"method": "qaoa"}),
        (1, {"method": "random"}),
        (1, {"method": "qaoa"}),
    ]


def test_identity_holds_every_resolved_option_and_the_data(study):
    identity = cells(study)[1].identity()
    assert identity == {
        "schema": 1,
        "scenario": {
            "name": "world",
            "clients": 16,
            "skew": 0.3,
            "data": "toy-data",
            "data_sha256": "00" * 32,
        },
        "federation": {
            "algorithm": "average",
            "rounds": 3,
            "clients_per_round": 4,
            "learning_rate": 0.1,
            "epochs": 1,
        },
        "selection": {"problem": "choose", "loss": 1.0},
        "solver": {
            "name": "circuit",
            "shots": 24,
            "depth": 4,
            "mixer": "xy",
            "backend": "exact",
            "backend_options": {},
        },
        "channel": {"name": "open"},
        "seed": 0,
    }


def test_titles_and_labels_do_not_count(study, settings):
    settings |= {"title": "Another", "headline": {**settings["headline"], "method": "q"}}
    settings["methods"][1]["label"] = "q"
    assert [c.id for c in cells(Study(**settings))] == [c.id for c in cells(study)]


def test_shared_axes_multiply_and_a_methods_own_axis_does_not(toy_world, settings):
    settings["sweep"] = {"scenario": {"skew": [0.1, 1.0]}, "methods.qaoa.depth": [1, 2]}
    found = [d for seed, d in labels(Study(**settings)) if seed == 0]
    assert found == [
        {"method": "random", "skew": "0.1"},
        {"method": "qaoa", "skew": "0.1", "depth": "1"},
        {"method": "qaoa", "skew": "0.1", "depth": "2"},
        {"method": "random", "skew": "1.0"},
        {"method": "qaoa", "skew": "1.0", "depth": "1"},
        {"method": "qaoa", "skew": "1.0", "depth": "2"},
    ]


def test_axes_of_one_cell_with_the_same_name_are_called_by_their_whole_key(toy_world, settings):
    settings["sweep"] = {"methods.qaoa.depth": [1], "methods.qaoa2.depth": [2]}
    settings["methods"].append({"label": "qaoa2", "solver": "circuit", "shots": 48})
    assert labels(Study(**settings))[1][1] == {"method": "qaoa", "depth": "1"}
    assert axis_names({"scenario.error": (1,), "methods.qaoa.backend_options.error": (2,)}) == {
        "scenario.error": "scenario.error",
        "methods.qaoa.backend_options.error": "methods.qaoa.backend_options.error",
    }


def test_methods_of_one_seed_pair_and_seeds_do_not(study):
    first, second, third, _ = cells(study)
    assert pairing_key(first) == pairing_key(second) != pairing_key(third)


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ({"method": ["qaoa"]}, 2),
        ({"method": ["qaoa", "random"], "seed": ["1"]}, 2),
        ({"backend": ["exact"]}, 2),
        ({"solver.name": ["guess"]}, 2),
        ({"clients": ["16"]}, 4),
    ],
)
def test_cells_are_chosen_by_label_seed_or_identity(study, only, count):
    assert len(select(cells(study), only)) == count


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"method": ["qoaa"]}, "no cell has method = qoaa; values: qaoa, random"),
        ({"metod": ["qaoa"]}, r"no cell has 'metod' \(did you mean 'method'"),
        ({"backend": ["exact"], "method": ["random"]}, "no cell has method = random"),
    ],
)
def test_choosing_nothing_is_an_error_that_lists_the_values(study, only, message):
    with pytest.raises(ConfigError, match=message):
        select(cells(study), only)
