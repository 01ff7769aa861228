"""The report of a study that forgets: the table, what it may say, and what left with whom."""

import dataclasses

import pytest

import qfl.report
from qfl.core.metrics import metric
from qfl.report.learning import forgetting
from qfl.report.statistics.intervals import Interval
from qfl.report.statistics.outcomes import Outcome, Summary
from qfl.study import run
from tests.study.test_forgetting import SYNTHETIC, study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    asked = {"method": "retrain", "clients": ["client-01"], "round": 3, "retrainings": 2}
    federation = {"algorithm": "fedavg", "rounds": 3, "clients_per_round": 4, "epochs": 1}
    where = tmp_path_factory.mktemp("runs") / "forgetful"
    made = study(
        seeds=2,
        forget=asked,
        scenario={**SYNTHETIC, "modalities": 2, "tasks": 2},
        federation=federation | {"model_width": 4},
    )
    list(run(made, out=where, jobs=1))
    qfl.report.write(where)
    return where


def test_the_table_has_a_row_per_way_and_says_which_is_exact(analysis):
    table = analysis.tables["forgetting"]
    assert [row.method for row in table.rows] == ["retrain", "shards", "replay"]
    labels = [column.label for column in table.columns]
    assert "cost of forgetting" in labels
    assert "final cost of forgetting" not in labels
    assert table.note.startswith("Equal to the retrained bit for bit on every seed: retrain and sh")
    assert "replay" not in table.note


def test_the_examination_is_no_learning_curve(analysis):
    assert "forgetting_cost" not in analysis.data
    assert not any("forgetting_cost" in c.key for c in analysis.tables["comparison"].columns)
    drawn = [figure.key for figure in analysis.sections["forgetting"]]
    assert drawn == ["interval-forgetting-cost", "interval-retraining-distance"]


def test_the_page_and_the_summary_say_what_was_forgotten_and_what_left(folder):
    for name in ("report.html", "summary.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "Forgotten: client-01 in round 3." in text
        assert "2 independent retrainings" in text
    assert "erased samples" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_metric_that_is_no_longer_measured_has_no_final_value(analysis):
    [record, *_] = [run.row.rounds[-1] for run in analysis.results.runs]
    run_ = analysis.results.runs[0]
    gone = dataclasses.replace(
        run_.row, rounds=(*run_.row.rounds[:-1], dataclasses.replace(record, metrics={}))
    )
    lacking = dataclasses.replace(run_, row=gone)
    name = analysis.results.metrics[0]
    assert run_.final(name) == record.metrics[name]
    assert lacking.final(name) != lacking.final(name)
    assert lacking.once(name) == lacking.curve(name)[-1]


def summary(method, name, low, high, values=(0.5,)):
    outcome = Outcome(metric(name), "forgetting", lambda run: 0.0)
    interval = Interval((low + high) / 2, low, high, 6, "Student")
    return Summary(outcome, "", method, dict(enumerate(values)), interval)


def test_the_reading_follows_the_intervals():
    read_off = [
        summary("a", "membership_auc", 0.48, 0.53),
        summary("b", "membership_auc", 0.55, 0.6),
        summary("c", "membership_auc", 0.4, 0.45),
        summary("d", "membership_auc", 0.51, 0.53),
        summary("d", "output_divergence", 0.0, 0.0, (0.0, 0.0)),
        summary("a", "output_divergence", 0.0, 0.0, (0.0, 0.0)),
        summary("b", "output_divergence", 0.0, 0.1, (0.0, 1e-9)),
    ]
    text = forgetting._reading(read_off)
    assert "Equal to the retrained bit for bit on every seed: d and a." in text
    assert "includes chance (0.5): a." in text
    assert "above chance, traces are found: b." in text
    assert "by the luck of the samples, the model never met them: d." in text
    assert "below chance, forgotten samples look stranger than strangers: c." in text
