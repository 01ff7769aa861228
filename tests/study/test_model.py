"""One study from TOML or Python; every error of a study in one message."""

from copy import deepcopy
from pathlib import Path

import pytest
from pydantic import ValidationError

from qfl.core.errors import ConfigError, StudyError
from qfl.study.grid import cells
from qfl.study.model import Study

TEXT = """
name = "toy"
title = "A toy"
question = "Does it run?"
hypothesis = "It does."
seeds = 2
[scenario]
name = "world"
[federation]
algorithm = "average"
rounds = 3
clients_per_round = 4
[selection]
problem = "choose"
[channel]
name = "open"
[[methods]]
label = "random"
solver = "guess"
[[methods]]
label = "qaoa"
solver = "circuit"
shots = 24
[headline]
metric = "digit.accuracy"
target = 0.3
method = "qaoa"
baseline = "random"
[profiles.smoke]
seeds = 1
federation.rounds = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TEXT)
    return path


def test_toml_and_python_build_the_same_study(study, file):
    assert Study.load(file) == study


def test_defaults_are_resolved(study):
    assert study.scenario == {"name": "world", "clients": 16, "skew": 0.3}
    assert study.methods[1] == {
        "label": "qaoa",
        "solver": "circuit",
        "shots": 24,
        "depth": 4,
        "mixer": "xy",
        "backend": "exact",
        "backend_options": {},
    }


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("noisy", {"error": 0.01}),
        ("noisy:twice", {"error": 0.01}),
        ("remote:there", {"queue": "short"}),
    ],
)
def test_backend_options_are_resolved_too(toy_world, settings, backend, options):
    settings["methods"][1] |= {"backend": backend}
    assert Study(**settings).methods[1]["backend_options"] == options


def test_numbers_mean_the_same_however_they_are_written(toy_world, settings):
    settings["scenario"]["skew"] = 1
    assert repr(Study(**settings).scenario["skew"]) == "1.0"


@pytest.mark.parametrize(
    ("given", "seeds"),
    [(3, (0, 1, 2)), ("4:6", (4, 5)), (":2", (0, 1)), ([7, 3], (7, 3))],
)
def test_seeds_are_a_number_a_range_or_a_list(toy_world, settings, given, seeds):
    assert Study(**settings | {"seeds": given}).seeds == seeds


@pytest.mark.parametrize("given", [0, [1, 1], "3", "5:5", -1, [True], 1.5])
def test_seeds_that_make_no_sense_are_refused(toy_world, settings, given):
    with pytest.raises(StudyError, match="seeds"):
        Study(**settings | {"seeds": given})


def test_profiles_and_overrides_apply_in_this_order(toy_world, file):
    smoke = Study.load(file, profile="smoke")
    assert (smoke.seeds, smoke.federation["rounds"]) == ((0,), 2)
    changed = Study.load(
        file, "smoke", {"federation.rounds": 9, "methods.qaoa.depth": 1, "scenario.clients": 8}
    )
    assert changed.federation["rounds"] == 9
    assert changed.methods[1]["depth"] == 1
    assert changed.scenario["clients"] == 8


def test_a_study_built_in_python_takes_profiles_and_overrides(study, file):
    changes = {"methods.qaoa.shots": 12}
    assert study.with_overrides("smoke", changes) == Study.load(file, "smoke", changes)


def test_an_algorithm_can_be_changed_with_its_options(toy_world, file):
    changes = {"federation.algorithm": "pull", "federation.mu": 0.5}
    assert Study.load(file, overrides=changes).federation["mu"] == 0.5


def test_a_changed_row_takes_its_own_options_along(toy_world, settings):
    settings["federation"] |= {"algorithm": "pull", "mu": 0.5, "learning_rate": 0.7}
    settings["methods"][1] |= {"backend": "noisy", "backend_options": {"error": 0.2}}
    study = Study(**settings)
    changed = study.with_overrides(
        overrides={"federation.algorithm": "average", "methods.qaoa.backend": "remote:there"}
    )
    assert "mu" not in changed.federation
    assert changed.federation["learning_rate"] == 0.7
    assert changed.methods[1]["backend_options"] == {"queue": "short"}
    simple = study.with_overrides(
        overrides={
            "methods.qaoa.solver": "guess",
            "methods": [settings["methods"][1]],
            "headline.baseline": "qaoa",
        }
    )
    assert simple.methods == ({"label": "qaoa", "solver": "guess"},)


def test_an_override_of_the_wrong_type_is_told(toy_world, study):
    with pytest.raises(StudyError, match=r"methods.qaoa.backend: should be a valid string, got \["):
        study.with_overrides(overrides={"methods.qaoa.backend": ["noisy", "remote:there"]})


def test_an_axis_may_vary_the_row(toy_world, settings):
    settings["federation"] |= {"algorithm": "pull", "mu": 0.5}
    settings["sweep"] = {"federation.algorithm": ["average", "pull"]}
    found = [cell.federation for cell in cells(Study(**settings))]
    assert [f.get("mu") for f in found[:4]] == [None, None, 0.5, 0.5]


def test_no_input_raises_anything_but_a_study_error(toy_world, settings):
    """Replace each value of a study, at any depth, by values of every wrong kind."""

    def places(value, path=()):
        yield path
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                yield from places(inner, (*path, key))

    settings["sweep"] = {"scenario.skew": [0.1, 0.2], "methods.qaoa.depth": [1, 2]}
    settings["methods"][1]["backend_options"] = {}
    refused = 0
    for path in list(places(settings))[1:]:
        for wrong in (None, -1, 1.5, "", "x", [], [1], [[]], {}, {"x": 1}, True, float("nan")):
            trial = deepcopy(settings)
            inner = trial
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = wrong
            for make in (
                Study.model_validate,
                lambda raw: Study._from(raw, "smoke", {"methods.qaoa.shots": 1}, source="x"),
            ):
                try:
                    make(deepcopy(trial))
                except StudyError as error:
                    refused += bool(error.issues)
    assert refused > 500


def broken(file: Path, *changes: tuple[str, str]) -> str:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    with pytest.raises(StudyError) as caught:
        Study.load(file)
    return str(caught.value)


def test_all_errors_of_a_file_come_in_one_message(toy_world, file):
    message = broken(
        file,
        ("question", "qestion"),
        ('name = "world"', 'name = "wrld"'),
        ("rounds = 3", "roundz = 3"),
        ('problem = "choose"', "loss = 'x'"),
        ('name = "open"', 'name = "open"\nkeys = 1'),
        ("shots = 24", "shots = '24'\ndeph = 1\nbackend = 'exakt'"),
        ('baseline = "random"', 'baseline = "rndom"'),
        ("digit.accuracy", "digit.acuracy"),
        ("federation.rounds", "federation.rouns"),
    )
    for line in [
        f"{file}: 14 errors",
        "qestion: unknown key (did you mean 'question'?); allowed: adversary, channel, clusters,",
        "question: missing; it has no default",
        "scenario.name: unknown scenario 'wrld' (did you mean 'world'?); allowed: world",
        "federation.roundz: unknown key (did you mean 'rounds'?); allowed: algorithm,",
        "federation.rounds: missing; it has no default",
        "selection.problem: missing; allowed: choose",
        "selection.loss: should be a valid number, got 'x'",
        "channel.keys: unknown key; allowed: name",
        "methods.qaoa.deph: unknown key (did you mean 'depth'?)",
        "methods.qaoa.shots: should be a valid integer, got '24'",
        "methods.qaoa.backend: unknown backend 'exakt' (did you mean 'exact'?)",
        "headline.metric: unknown metric 'digit.acuracy'",
        "headline.baseline: unknown method label 'rndom' (did you mean 'random'?)",
        "profiles.smoke.federation.rouns: unknown key (did you mean 'rounds'?)",
    ]:
        assert line in message


def test_more_clients_chosen_than_there_are(toy_world, file):
    message = broken(file, ("clients_per_round = 4", "clients_per_round = 17"))
    assert "federation.clients_per_round: cannot choose 17 of 16; allowed: 1 to" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("shots = 24", "backend = 'exact'", "methods.qaoa.shots: missing; it has no default"),
        ("shots = 24", "shots=1\nbackend='exakt'", "unknown backend 'exakt' (did you mean 'exact'"),
        ("shots = 24", "shots=1\nbackend='cloud'", "pip install 'qfl[cloud]'"),
        (
            "shots = 24",
            "shots=1\nbackend='noisy'\nbackend_options={eror=1}",
            "methods.qaoa.backend_options.eror: unknown key (did you mean 'error'?)",
        ),
        ("shots = 24", "shots=1\nbackend='noisy:thrice'", "unknown backend 'noisy:thrice'"),
        ("shots = 24", "shots=1\nbackend='remote'", "backend_options.machine: missing"),
        ("shots = 24", "shots = 24\nmixer = 'z'", "mixer: should be 'x' or 'xy', got 'z'"),
        ('name = "world"', 'name = "world"\nskew = nan', "scenario.skew: must be finite, got nan"),
        ('name = "world"', 'name = "world"\nclients = 1', "at least 2 clients, got 1"),
        ("rounds = 3", "rounds = 0", "federation: rounds must be >= 1, got 0"),
        ('label = "qaoa"', 'label = "random"', "two methods have this label"),
        ("seeds = 2", "seeds = 'two'", "seeds: must be a number of seeds, a list, or a range"),
        ("seeds = 1", "seeds = 1\nscenario.clients = 3", "profiles.smoke.federation.clients_per"),
        ('name = "toy"', 'name = "To y"', "name: string should match"),
        (
            "[headline]",
            "[sweep]\nscenario.skw = [1]\n[headline]",
            "sweep.scenario.skw: unknown key",
        ),
        ("[headline]", "[sweep]\nseeds = [1]\n[headline]", "sweep.seeds: an axis varies an option"),
        ("[headline]", "[sweep]\nscenario.skew = []\n[headline]", "at least one value"),
        (
            "[headline]",
            "[sweep]\nscenario.clients = [4, 8]\nfederation.clients_per_round = [2, 6]\n[headline]",
            "sweep.federation.clients_per_round: cannot choose 6 of 4",
        ),
    ],
)
def test_every_mistake_names_its_key_and_what_is_allowed(toy_world, file, old, new, expected):
    assert expected.lower() in broken(file, (old, new)).lower()


def test_two_methods_that_are_the_same_are_refused(toy_world, settings):
    settings["methods"].append({"label": "again", "solver": "guess"})
    with pytest.raises(StudyError, match="same solver and options as 'random'"):
        Study(**settings)


def test_unknown_profiles_and_overrides_are_refused_with_the_nearest(toy_world, file):
    with pytest.raises(StudyError, match=r"unknown profile 'smok' \(did you mean 'smoke'"):
        Study.load(file, profile="smok")
    with pytest.raises(StudyError) as caught:
        Study.load(file, overrides={"federation.round": 1, "methods.qaa.depth": 1, "seed.x": 2})
    assert "federation.round: unknown key (did you mean 'rounds'?)" in str(caught.value)
    assert "methods.qaa.depth: unknown method label 'qaa' (did you mean 'qaoa'" in str(caught.value)
    assert "seed: unknown key (did you mean 'seeds'?)" in str(caught.value)


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the study file .*: No such file"):
        Study.load(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_text("seeds = = 2")
    with pytest.raises(ConfigError, match=r"bad.toml is not valid TOML: .*line 1"):
        Study.load(tmp_path / "bad.toml")


def test_a_study_is_frozen(study):
    with pytest.raises(ValidationError):
        study.seeds = (1,)
