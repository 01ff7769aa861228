"""A study whose worlds cannot show anything is refused before it is played, and says why."""

import pytest
from typer import Exit

from qfl.cli.validate import validate
from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.scenarios.synthetic import Synthetic
from qfl.study import Study
from qfl.study.informative import informative, unreported

TOML = """
name = "world"
title = "World"
question = "?"
hypothesis = "!"
seeds = "3:5"
scenario = {{ name = "synthetic", clients = 8, groups = 1, patterns = 4, test_samples = 60 }}
federation = {{ algorithm = "fedavg", rounds = 6, clients_per_round = 4, epochs = 3, \
optimiser = "adamw", learning_rate = 2e-3 }}
selection = {{ problem = "client_selection" }}
channel = {{ name = "plain" }}
methods = [{{ solver = "random" }}, {{ solver = "greedy" }}]
headline = {{ metric = "task_1.accuracy", method = "greedy", baseline = "random" }}
sweep = {{ "scenario.noise" = {noise} }}
[profiles.paper]
seeds = 9
"""


@pytest.fixture
def file(tmp_path):
    def written(*noise):
        path = tmp_path / "world.toml"
        path.write_text(TOML.format(noise=list(noise)))
        return path

    return written


def test_worlds_are_measured_on_seeds_that_nobody_reports(file):
    assert unreported(Study.load(file(0.1)), 2) == (9, 10)


def test_every_setting_is_judged_by_the_task_of_the_headline(file):
    """With noise of twenty nothing is learnt: the mutation of the informative world beside it."""
    found = {
        (m.setting, m.difficulty.task): m
        for m in informative(Study.load(file(0.1, 20.0)), worlds=2)
    }
    tasks = [task.name for task in Synthetic().build(Streams(0)).tasks]
    assert set(found) == {(f"noise {noise}", task) for noise in (0.1, 20.0) for task in tasks}
    assert found["noise 0.1", "task_1"].objection == ""
    drowned = found["noise 20.0", "task_1"]
    assert drowned.objection.startswith("pooled data do not teach it")
    other = found["noise 20.0", "task_2"]
    assert other.difficulty.objection
    assert not other.asked
    assert not other.objection


def test_all_tasks_count_where_the_headline_is_their_mean(file):
    study = Study.load(file(20.0), overrides={"headline.metric": "score"})
    assert all(each.asked and each.objection for each in informative(study, worlds=1))


def test_the_command_refuses_with_the_reason_and_what_to_do(file, capsys):
    validate(str(file(0.1)), difficulty=2)
    header = capsys.readouterr().out.splitlines()[1]
    assert header.split("\t") == ["setting", "task", "naive", "clients alone", "pooled", "verdict"]
    with pytest.raises(Exit) as end:
        validate(str(file(20.0)), difficulty=1)
    assert end.value.exit_code == 4
    told = capsys.readouterr().err
    assert "task_1 (noise 20.0) is uninformative: pooled data do not teach it" in told
    assert "make it easier" in told


def test_a_study_of_decisions_has_no_difficulty():
    study = Study(
        name="d",
        title="D",
        question="?",
        hypothesis="!",
        seeds=1,
        decision={"problem": "client_selection", "clients": 6, "choose": 2},
        methods=[{"solver": "exact"}, {"solver": "top_k"}],
        headline={"metric": "approximation_ratio", "method": "exact", "baseline": "top_k"},
    )
    with pytest.raises(ConfigError, match="trains nobody"):
        list(informative(study, worlds=1))
