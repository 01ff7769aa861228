"""The report of a study where nobody trains: real decisions on small instances."""

import pytest
from deciding_run import decided

import qfl.report
from qfl.report.deciding import decisions
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse

SIZES = "choose 2, clients 6", "choose 2, clients 10"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return decided(tmp_path_factory.mktemp("runs") / "deciding")


@pytest.fixture(scope="module")
def results(folder):
    return read(folder)


@pytest.fixture(scope="module")
def analysis(results):
    return analyse(results)


def test_a_seed_is_an_instance_and_every_size_a_setting(results, analysis):
    assert results.settings == SIZES
    assert results.methods == (
        "random_best", "top_k", "exact", "qaoa, depth 1", "qaoa, depth 2"
    )  # fmt: skip
    assert results.plain() == results.methods[:3]
    assert results.representatives() == (*results.methods[:3], "qaoa, depth 2")
    statement = analysis.headline.statements[0]
    assert statement.text.startswith("QAOA, depth 1 has a mean approximation ratio of 0.")
    assert statement.text.endswith("6 instances.")


def test_chance_beside_the_circuit(results):
    """Exact: one uniform draw hits one of 15 or 45 states, and the row of random says the same."""
    for setting, states in zip(SIZES, (15, 45), strict=True):
        by_chance = results.of(setting, "random_best")[0].choices()[0].figures()
        by_qaoa = results.of(setting, "qaoa, depth 2")[0].choices()[0].figures()
        assert by_chance["optimum_probability"] == by_qaoa["uniform_probability"] == 1 / states
        assert by_qaoa["optimum_probability"] > 1 / states


def test_wins_ties_and_losses_add_up_and_mirror(analysis):
    table = analysis.tables["wins"]
    assert [column.label for column in table.columns[1:]] == [
        "against random best", "against top k", "against exact"
    ]  # fmt: skip
    counts = {
        (row.method, rival): [int(part) for part in cell.text.split(" / ")]
        for row in table.rows
        for rival, cell in zip(("random_best", "top_k", "exact"), row.cells[1:], strict=True)
        if cell.text != "–"
    }
    assert "QAOA, depth 2 wins more often than it loses against random best (" in table.note
    assert all(sum(found) == 12 for found in counts.values())
    assert counts["top_k", "exact"] == counts["exact", "top_k"][::-1]
    assert all(found[0] == 0 for (_, rival), found in counts.items() if rival == "exact")


def test_ranks_have_instances_as_blocks(results):
    found, methods = decisions.ranks(results, "approximation_ratio")
    assert found.blocks == 12
    assert methods == results.representatives()
    best = dict(zip(methods, found.mean_ranks, strict=True))
    assert min(best.values()) == best["exact"]


def test_axes_are_lines_and_what_they_do_not_touch_is_level(results):
    assert set(decisions.axes(results)) == {"clients", "depth"}
    along = decisions.points(results, "sample_ratio", "depth")
    qaoa = [p for p in along if p.line == "qaoa" and p.setting == SIZES[0]]
    assert [(p.x, p.method) for p in qaoa] == [(1.0, "qaoa, depth 1"), (2.0, "qaoa, depth 2")]
    level = [p for p in along if p.line == "random_best" and p.setting == SIZES[0]]
    assert [p.x for p in level] == [1.0, 2.0]
    assert level[0].interval == level[1].interval
    by_size = decisions.points(results, "sample_ratio", "clients")
    line = [p.x for p in by_size if p.line == "qaoa, depth 2" and p.setting == SIZES[1]]
    assert line == [6.0, 10.0]
    assert {p.line for p in by_size} == {"random_best", "qaoa, depth 2"}


def test_growth_is_the_chance_of_repeated_samples(results):
    uniform = next(g for g in decisions.growth(results) if g.method == "random_best")
    assert uniform.chance[0] == pytest.approx(1 / 15)
    assert (uniform.chance[1:] >= uniform.chance[:-1]).all()


def test_the_page_shows_decisions_and_nothing_that_has_no_data(folder):
    report = qfl.report.write(folder)
    text = report.html.read_text(encoding="utf-8")
    for heading in ("Comparison", "Decision quality", "Time to solution", "Cost", "Methods"):
        assert f"<h2>{heading}</h2>" in text
    for absent in ("Convergence", "Uplink schedule", "Cost and security", "Keys</h3>"):
        assert absent not in text
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "12 instances of all sizes as blocks" in summary
    assert "| random best | –" in summary
    assert len(report.html.read_bytes()) < 2_000_000
