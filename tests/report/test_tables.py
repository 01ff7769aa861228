"""Tables: what is best, what is tied, what is printed in a cell."""

from dataclasses import replace

import pytest
from simulated_run import Simulation, simulate, write_run

from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse


def column(table, label):
    index = [c.label for c in table.columns].index(label)
    return {row.method: row.cells[index] for row in table.rows}


def test_a_cell_carries_value_spread_n_and_its_seeds(analysis):
    cell = column(analysis.tables["comparison"], "final digit accuracy")["qaoa"]
    assert cell.text.endswith(" %")
    assert cell.spread.startswith("± ")
    assert cell.n == "n 6"
    assert sorted(cell.seeds) == [0, 1, 2, 3, 4, 5]


def test_best_is_best_and_ties_include_zero(analysis):
    cells = column(analysis.tables["comparison"], "rounds to target")
    best = min(cells.values(), key=lambda cell: cell.sort)
    assert best.mark == "best"
    assert cells["random"].mark == ""
    assert {cell.mark for cell in cells.values()} == {"best", "tie", ""}


def test_budgets_and_indistinguishable_columns_are_not_marked(analysis):
    for label in ("shots", "evaluations", "qubits", "depth", "two-qubit gates"):
        assert {cell.mark for cell in column(analysis.tables["bills"], label).values()} == {""}
    feasible = column(analysis.tables["decisions"], "feasible")
    assert {cell.mark for cell in feasible.values()} == {""}


def test_proportions_show_wilson_brackets_over_decisions(analysis):
    cell = column(analysis.tables["decisions"], "optimum found")["exact"]
    assert (cell.text, cell.spread, cell.n) == ("100.0 %", "[96.9, 100.0]", "n 120")


def test_what_does_not_apply_is_a_dash(analysis):
    assert column(analysis.tables["decisions"], "P(optimum), one shot")["exact"].text == "–"


def test_censored_cells_show_the_median_and_how_many_got_there(tmp_path):
    found = analyse(read(simulate(tmp_path, target=0.91)))
    cell = column(found.tables["comparison"], "rounds to target")["random"]
    assert cell.spread == "median"
    assert cell.n.endswith("/6 reached")
    assert "> 20" in {cell.text, *cell.seeds.values()}


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
