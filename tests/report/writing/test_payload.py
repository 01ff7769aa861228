"""What the page's script is given: the numbers of the records, and what to know before them."""

import json
from dataclasses import replace

import pytest
from simulated_run import PROVENANCE, Simulation, simulate, write_run

from qfl.report.runs.results import read
from qfl.report.writing import page, payload, summary
from qfl.report.writing.analysis import analyse
from qfl.report.writing.listings import heterogeneity_table


def test_it_is_json_and_has_every_figure(analysis):
    found = json.loads(json.dumps(payload.payload(analysis), allow_nan=False))
    assert [figure["key"] for figure in found["figures"]] == [f.key for f in analysis.figures]
    assert found["methods"] == list(analysis.results.methods)


def test_the_table_of_cells_has_every_finished_one_unless_there_are_too_many(analysis, monkeypatch):
    assert len(payload._downloads(analysis)["cells"]["cell"]) == 42
    monkeypatch.setattr(payload, "MOST_CELLS", 41)
    assert payload._downloads(analysis) == {}


def test_a_final_metric_of_a_cell_is_that_of_its_last_record(analysis):
    cells = payload._cells(analysis)
    at = {cell: i for i, cell in enumerate(cells["cell"])}
    for run in analysis.results.runs:
        final = cells["final_digit.accuracy"][at[run.row.cell.id[:12]]]
        assert final == pytest.approx(run.row.rounds[-1].metrics["digit.accuracy"], rel=5e-5)


def test_the_size_of_a_run_is_one_line(analysis):
    assert payload.facts_line(analysis) == "42 finished cells · 7 methods · 6 seeds · 20 rounds"


def test_cells_that_are_missing_stale_or_of_dirty_code_are_said_first(tmp_path):
    simulation = Simulation(seeds=2, rounds=3, methods=("random", "qaoa"))
    rows = simulation.rows()[:-1]
    rows[0] = replace(rows[0], fingerprint="0" * 64)
    folder = write_run(tmp_path, rows, simulation.lock())
    dirty = {**PROVENANCE, "git": {"commit": "2436257", "dirty": True}}
    (folder / "provenance" / "demo.json").write_text(json.dumps(dirty))
    missing, stale, changed = payload.warnings(read(folder))
    assert "no result yet" in missing
    assert stale.startswith("1 cell was made by other code")
    assert changed == "The code had changes that were not committed."


def test_a_whole_run_of_clean_code_needs_no_warning(tmp_path):
    clean = read(simulate(tmp_path, seeds=2, rounds=3))
    assert payload.warnings(clean) == []


@pytest.mark.parametrize(("exchange", "starts"), [(True, "Security level"), (False, "")])
def test_levels_are_those_of_rounds_that_exchanged_keys(tmp_path, exchange, starts):
    results = read(simulate(tmp_path, seeds=2, rounds=3, methods=("random",), exchange=exchange))
    line = payload.levels_line(results)
    assert line.startswith(starts)
    assert ("in 6 rounds" in line) is exchange


def test_provenance_is_cards_of_plain_lines():
    cards = dict(payload.provenance_cards(PROVENANCE))
    assert ("argv", "qfl demo") in cards["run"]
    assert ("dirty", "no") in cards["git"]
    assert ("torch", "1") in cards["threads"]


def test_axes_are_those_that_a_curve_has(analysis):
    assert payload.axes(analysis)[0] == ("round", "Round")
    empty = replace(analysis, data={})
    assert payload.axes(empty) == ()


def test_a_panel_and_a_pool_are_said_in_the_first_line(tmp_path):
    simulation = Simulation(seeds=2, rounds=3, methods=("random", "greedy"))
    drawn = {"clients": 10_000.0, "evaluated_clients": 100.0, "candidates": 200.0}
    rows = [
        replace(
            row,
            rounds=tuple(
                record if record.round else replace(record, facts={**record.facts, **drawn})
                for record in row.rounds
            ),
        )
        for row in simulation.rows()
    ]
    analysis = analyse(read(write_run(tmp_path, rows, simulation.lock())))
    words = "100 of 10,000 clients evaluated, a panel; 200 of 10,000 clients to choose from, a pool"
    assert payload.facts_line(analysis).endswith(words)
    assert words in page.render(analysis)
    texts = summary.render(analysis)
    assert f"\n{words}.\n" in texts["summary.md"]
    assert f"{{\\footnotesize {words}.}}" in texts["summary.tex"]
    stated = [row.cells[0].text for row in heterogeneity_table(analysis.results).rows]
    assert "candidates" not in stated
