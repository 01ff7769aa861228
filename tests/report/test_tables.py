"""Tables: what is best, what is tied, what is printed in a cell."""

from simulated_run import simulate

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
