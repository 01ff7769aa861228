"""Tasks won, lost and undecided: by the paired interval of each, and named in the text."""

from dataclasses import replace

import pytest
from simulated_run import simulate
from swept_run import swept

from qfl.report.learning.by_task import task_differences, tasks_table, verdict
from qfl.report.runs.results import read
from qfl.report.writing import page, summary
from qfl.report.writing.analysis import analyse

SHIFT = {"digit.accuracy": -0.05, "ink.r2": 0.02, "tilt.accuracy": 0.0}


def final(method, seed, value):
    """QAOA loses digits, wins ink, and is as often ahead as behind on tilt."""
    wobble = 0.001 * (-1) ** seed
    ahead = {name: shift + wobble for name, shift in SHIFT.items()} if method == "qaoa" else {}
    return {name: 0.5 + 0.01 * seed + ahead.get(name, 0.0) for name in SHIFT}


@pytest.fixture
def results(tmp_path):
    return swept(tmp_path, final, values=(4, 6))


def test_every_task_has_its_verdict(results):
    found = {(d.setting, d.outcome.metric.name): verdict(d) for d in task_differences(results)}
    for setting in ("pairs 4", "pairs 6"):
        assert found[setting, "digit.accuracy"] == "worse"
        assert found[setting, "ink.r2"] == "better"
        assert found[setting, "tilt.accuracy"] == "undecided"
    assert len(found) == 6


def test_losses_are_named_in_the_text(results):
    table = tasks_table(results)
    assert table.finding.startswith(
        "Task by task, QAOA loses to random on digit accuracy (pairs 4) and digit accuracy "
        "(pairs 6); it wins on ink R²"
    )
    assert table.finding.endswith("undecided: 2 of 6.")
    assert [row.cells[-1].text for row in table.rows[:3]] == ["worse", "better", "undecided"]
    assert table.rows[0].cells[-3].text.startswith("−5.0 points [")


def test_what_differs_on_no_seed_is_identical(tmp_path):
    """Not undecided: there is nothing that more seeds could decide."""

    def same(method, seed, value):
        return {**final(method, seed, value), "tilt.accuracy": 0.5 + 0.01 * seed}

    for values, told in (((4,), "tilt accuracy (pairs 4)"), ((4, 6), "2 of 6")):
        results = swept(tmp_path / str(len(values)), same, values=values)
        table = tasks_table(results)
        assert table.rows[2].cells[-1].text == "identical"
        assert table.finding.endswith(f"; identical: {told}.")
    *_, alike = task_differences(results)
    assert verdict(replace(alike, pairs=alike.pairs[:2])) == "identical"
    seed, value, other = alike.pairs[0]
    moved = ((seed, value + 1e-9, other), *alike.pairs[1:])
    assert verdict(replace(alike, pairs=moved)) == "undecided"


def test_a_loss_is_a_gain_the_other_way_round(results):
    """The mutation: exchange the sides."""
    asked = replace(results.headline, method="random", baseline="qaoa")
    turned = task_differences(replace(results, headline=asked))
    assert [verdict(found) for found in turned[:3]] == ["better", "worse", "undecided"]


def test_four_seeds_decide_nothing(tmp_path):
    table = tasks_table(read(simulate(tmp_path, seeds=4, methods=("random", "qaoa"))))
    assert {row.cells[-1].text for row in table.rows} == {"undecided"}
    many = tasks_table(read(simulate(tmp_path / "many", seeds=6, methods=("random", "qaoa"))))
    assert {row.cells[-1].text for row in many.rows} == {"better"}


def test_personal_models_are_compared_on_their_own_measures(tmp_path):
    def personal(method, seed, value):
        return {f"{name}@personal": x for name, x in final(method, seed, value).items()}

    results = swept(tmp_path, personal, values=(4,))
    asked = replace(results.headline, metric="digit.accuracy@personal")
    table = tasks_table(replace(results, headline=asked))
    assert [row.cells[1].text for row in table.rows] == [
        "digit accuracy, personal models",
        "ink R², personal models",
        "tilt accuracy, personal models",
    ]


def test_both_front_pages_name_the_losses(results):
    analysis = analyse(results)
    assert analysis.tables["tasks"].finding in summary.render(analysis)["summary.md"]
    assert "loses to random on digit accuracy (pairs 4)" in page.render(analysis)
