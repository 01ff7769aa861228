"""How old modules became: by kind and method, and the same after a run that was cut short."""

from dataclasses import replace

import numpy as np
import pytest

import qfl.report
from qfl.core.events import Staleness
from qfl.report.learning.staleness import AT_HOME, ages, staleness_table
from qfl.report.runs.results import read
from qfl.study import run
from qfl.study.events import CellStored, RoundPlayed
from qfl.study.store import load
from tests.study.test_streaming import SYNTHETIC, study

METHODS = [
    {"label": "random", "solver": "random"},
    {"label": "ditto", "solver": "random", "federation": {"algorithm": "ditto"}},
    {"label": "local", "solver": "random", "federation": {"algorithm": "local"}},
]


def small(clients_per_round=1, patterns=4):
    return study(
        seeds=2,
        scenario={**SYNTHETIC, "patterns": patterns},
        federation={
            "algorithm": "fedavg",
            "rounds": 4,
            "clients_per_round": clients_per_round,
            "epochs": 1,
            "model_width": 4,
        },
        stream={},
        methods=METHODS,
        headline={"metric": "score", "method": "random", "baseline": "ditto"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "stale"
    list(run(small(), out=out, jobs=1))
    return out


@pytest.fixture(scope="module")
def results(folder):
    return read(folder)


def test_the_stalest_module_of_each_kind_by_hand(results):
    table = staleness_table(results)
    rows = {(row.method, row.cells[1].text): row.cells for row in table.rows}
    found = []
    for each in results.of("", "random"):
        stale = [r.staleness.modules if r.staleness else {} for r in each.row.rounds[1:]]
        found.append([max([a for m, a in s.items() if m.startswith("head:")] + [0]) for s in stale])
    assert max(map(max, found)) > 1
    cells = rows["random", "head"]
    assert cells[2].sort == pytest.approx(np.mean([np.mean(each) for each in found]))
    assert cells[3].sort == pytest.approx(np.mean([max(each) for each in found]))


def test_what_clients_keep_has_a_line_and_a_server_without_traffic_none(results):
    table = staleness_table(results)
    kinds = {
        m: {row.cells[1].text for row in table.rows if row.method == m}
        for m in ("random", "ditto", "local")
    }
    assert AT_HOME not in kinds["random"]
    assert {AT_HOME, "head"} <= kinds["ditto"]
    assert kinds["local"] == {AT_HOME}
    assert table.note.startswith("A module is refreshed at the server when a round changes it")


def test_nothing_is_said_where_all_is_fresh(tmp_path):
    """Everybody in every round; the mutation makes one head of one round stale."""
    list(run(small(clients_per_round=4), out=tmp_path / "fresh", jobs=1))
    fresh = read(tmp_path / "fresh")
    fresh = replace(fresh, runs=tuple(r for r in fresh.runs if r.method != "local"))
    assert staleness_table(fresh).rows == ()
    assert staleness_table(fresh).note == ""
    [first, *rest] = fresh.runs
    rounds = list(first.row.rounds)
    rounds[2] = replace(rounds[2], staleness=Staleness({"head:*:task_1": 1}))
    moved = replace(first, row=replace(first.row, rounds=tuple(rounds)))
    [row] = staleness_table(replace(fresh, runs=(moved, *rest))).rows
    assert row.cells[1].text == "head"
    assert ages(moved, "head") == [0, 1, 0, 0]
    assert ages(moved, "encoder") == [0, 0, 0, 0]


def test_the_report_has_it(folder):
    qfl.report.write(folder)
    assert "Rounds since the last refresh, by kind of module" in (folder / "summary.md").read_text()
    assert 'id="table-staleness"' in (folder / "report.html").read_text()


@pytest.mark.parametrize("moment", [RoundPlayed, CellStored])
def test_a_run_that_was_cut_short_has_the_same_versions(folder, tmp_path, moment):
    for event in run(small(), out=tmp_path / "cut", jobs=1):
        if isinstance(event, moment):
            break
    list(run(small(), out=tmp_path / "cut", jobs=1))
    whole, cut = (
        {row.cell.id: row.content() for row in load(out / "cells.jsonl")}
        for out in (folder, tmp_path / "cut")
    )
    assert cut == whole
    assert any("head:" in str(content) and "homes" in str(content) for content in cut.values())
