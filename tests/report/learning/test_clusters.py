"""The report of a study with clusters: who was with whom, and what methods set of their own."""

import dataclasses

import pytest

import qfl.report
from qfl.core.events import Membership
from qfl.report.learning.clusters import agreement, clusters_table, moves
from qfl.report.writing.listings import options_table
from qfl.study import run
from tests.study.test_clustering import study

TOGETHER = {"modules": {"head:*": {"placement": "global"}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("runs") / "clustered"
    made = study(
        seeds=2,
        federation={"clients_per_round": 4},
        methods=[
            {"label": "together", "solver": "greedy"}
            | {"federation": TOGETHER, "clusters": {"by": "none"}},
            {"label": "groups", "solver": "greedy"},
            {"label": "losses", "solver": "greedy", "clusters": {"by": "loss", "count": 3}},
            {"label": "covering", "solver": "greedy", "selection": {"coverage": 2.0}},
        ],
        headline={"metric": "score@personal", "method": "groups", "baseline": "together"},
    )
    list(run(made, out=where, jobs=1))
    qfl.report.write(where)
    return where


def column(table, label):
    return [c.label for c in table.columns].index(label)


def test_the_table_says_who_was_with_whom_and_what_came_down(analysis):
    table = analysis.tables["clusters"]
    assert [row.method for row in table.rows] == ["groups", "losses", "covering"]
    groups, losses, _ = (row.cells for row in table.rows)
    assert groups[1].text == "declared (attribute group)"
    assert losses[1].text == "loss (count 3, spread 0.3)"
    sizes = column(table, "sizes at the end")
    assert groups[sizes].text == "3 + 3"
    assert groups[sizes].seeds == {0: "3 + 3", 1: "3 + 3"}
    members = groups[column(table, "members, first seed")].text
    assert members == (
        "0: client-00, client-02 and client-04; 1: client-01, client-03 and client-05"
    )
    down = column(table, "copies down a visit")
    assert (groups[down].text, losses[down].text) == ("1", "3")
    assert groups[column(table, "not placed")].text == "0"
    agreed = column(table, "agreement with what is declared")
    assert groups[agreed].text == "–"
    assert -1 <= float(losses[agreed].sort) <= 1


def test_the_table_says_what_methods_set_of_their_own(analysis):
    rows = {row.method: row.cells[1].text for row in analysis.tables["options"].rows}
    assert "selection.coverage = 2.0" in rows["covering"]
    assert "selection.coverage = 0.0" in rows["groups"]
    assert "clusters.by = loss; clusters.count = 3" in rows["losses"]
    assert "federation.modules.head:*.placement = global" in rows["together"]
    assert "federation.rounds" not in rows["groups"]


def test_page_and_summary_show_both(folder):
    for name in ("report.html", "summary.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "Clusters of clients, by method" in text
        assert "What methods set of their own" in text


def test_without_clusters_and_own_settings_there_are_no_tables(analysis):
    rows = [run.row for run in analysis.results.runs if run.label == "together"]
    alone = dataclasses.replace(
        analysis.results, runs=tuple(r for r in analysis.results.runs if r.row in rows)
    )
    assert clusters_table(alone).rows == ()
    assert options_table(alone).rows == ()


def test_agreement_is_one_for_equal_divisions_and_about_zero_for_others():
    same = {"a": "0", "b": "0", "c": "1", "d": "1"}
    assert agreement(same, {"a": "y", "b": "y", "c": "x", "d": "x", "e": "x"}) == 1.0
    assert agreement(same, {"a": "y", "b": "x", "c": "y", "d": "x"}) == pytest.approx(-0.5)
    assert agreement({"a": "0"}, {"b": "0"}) is None


def test_placing_a_client_is_no_move_and_placing_it_elsewhere_is_one():
    def at(**members):
        return Membership((), ("undivided", "0", "1"), members)

    assert moves([at(a="undivided", b="0"), at(a="0", b="0"), at(a="0", b="1"), at(b="0")]) == 2
