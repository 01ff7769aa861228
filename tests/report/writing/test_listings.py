"""Lists: every cell with its state, every abort with its reason, no p where there can be none."""

from dataclasses import replace

import pytest
from simulated_run import Simulation, write_run

from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.report.writing.listings import counts_text


def test_listings_name_every_cell_and_every_abort(analysis):
    assert len(analysis.tables["cells"].rows) == 42
    assert not analysis.tables["unfinished"].rows
    (abort,) = analysis.tables["aborts"].rows
    texts = [cell.text for cell in abort.cells]
    assert texts[:3] == ["5", "client-03", "QBER …% exceeds the threshold of 11 %"]
    assert texts[-1] == "42 of 42"
    assert len(analysis.tables["links"].rows) == 16


def test_cells_without_a_result_are_listed_with_their_reasons(tmp_path):
    simulation = Simulation(seeds=2, rounds=3)
    rows = simulation.rows()[:-2]
    rows[0] = replace(rows[0], status="failed", reason="out of memory", rounds=())
    rows[1] = replace(rows[1], fingerprint="0" * 64)
    results = read(write_run(tmp_path, rows, simulation.lock()))
    table = analyse(results).tables["unfinished"]
    states = [row.cells[0].text for row in table.rows]
    assert states == ["failed", "stale", "todo", "todo"]
    assert table.rows[0].cells[2].text == "out of memory"


@pytest.mark.parametrize("keys", [("pairs", "p (Holm)")])
def test_refused_families_print_no_p(analysis, keys):
    table = analysis.tables[keys[0]]
    index = [c.label for c in table.columns].index(keys[1])
    assert [row.cells[index].text for row in table.rows] == [".031"] + ["–"] * 11
    assert "cannot reach p < .05" in table.note


def test_states_are_counted_where_there_are_any(tmp_path):
    simulation = Simulation(seeds=2, rounds=3, methods=("random", "greedy"))
    rows = simulation.rows()[:-1]
    rows[0] = replace(rows[0], status="failed", reason="out of memory", rounds=())
    found = counts_text(read(write_run(tmp_path, rows, simulation.lock())))
    assert "2 done" in found
    assert "1 failed" in found
    assert "1 todo" in found
    assert "stale" not in found
