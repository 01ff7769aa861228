"""The table of what parts of final models are worth: rows, intervals, what it leaves out."""

import dataclasses

import pytest

from qfl.report.learning import attribution
from qfl.report.learning.attribution import attribution_table
from qfl.report.runs.results import read
from tests.report.simulated_run import simulate


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = simulate(tmp_path_factory.mktemp("runs") / "worth", seeds=3, rounds=2)
    return read(folder)


def with_worth(results, names):
    """The same runs, with values in their last records that differ by seed."""
    runs = []
    for run in results.runs:
        *before, last = run.row.rounds
        found = {name: 0.1 + 0.01 * run.seed for name in names}
        last = dataclasses.replace(last, metrics={**last.metrics, **found})
        runs.append(
            dataclasses.replace(run, row=dataclasses.replace(run.row, rounds=(*before, last)))
        )
    return dataclasses.replace(results, runs=tuple(runs))


def test_rows_are_parts_and_columns_are_methods(results):
    names = ["score.contribution@encoder:image:*", "digit.shapley@image", "digit.cooperation"]
    found = with_worth(results, names)
    table = attribution_table(found)
    texts = [row.cells[0].text for row in table.rows]
    assert texts == [
        "digit Shapley value, image",
        "digit cooperation",
        "score contribution, encoder:image:*",
    ]
    assert [c.key for c in table.columns] == ["part", *results.methods]
    cell = table.rows[0].cells[1]
    assert (cell.text, cell.n) == ("11.0 %", "n 3")
    assert cell.spread.startswith("[")
    assert table.note.startswith("Shapley value: share of a modality")


def test_they_are_no_learning_curves_and_no_final_metrics(results):
    found = with_worth(results, ["digit.shapley@image"])
    assert not any("shapley" in name for name in found.metrics)
    assert attribution_table(results).rows == ()


def test_single_modules_are_left_out_where_there_are_very_many(results, monkeypatch):
    monkeypatch.setattr(attribution, "MOST_ROWS", 2)
    names = [f"score.contribution@head:*:t{i}" for i in range(3)] + ["digit.cooperation"]
    rows = attribution_table(with_worth(results, names)).rows
    assert [row.cells[0].text for row in rows] == ["digit cooperation"]
