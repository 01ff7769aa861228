"""A finished cell with a gap in its records is listed and not compared."""

from dataclasses import replace

import pytest
from deciding_run import decided
from simulated_run import CLIENTS, Simulation, write_run

from qfl.core.events import PrivacyEvent
from qfl.report.runs.complete import gap
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse
from qfl.study.store import load

SIMULATION = Simulation(seeds=6, rounds=5, methods=("random", "qaoa"), exchange=False)
OWN = {name: {"digit.accuracy": 0.5, "ink.r2": 0.1} for name in CLIENTS}


def measured(row):
    """The row, with what every client measured in every round."""
    return replace(row, rounds=tuple(replace(r, client_metrics=OWN) for r in row.rounds))


ROW = measured(SIMULATION.row("qaoa", 3))


def without(number, row=ROW):
    return replace(row, rounds=tuple(r for r in row.rounds if r.round != number))


def changed(number, row=ROW, **fields):
    return replace(
        row,
        rounds=tuple(replace(r, **fields) if r.round == number else r for r in row.rounds),
    )


def test_a_whole_run_has_no_gap():
    assert gap(ROW) == ""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (without(5), "no record of round 5"),
        (without(0), "no record of round 0"),
        (without(2, without(4)), "no record of round 2 and 4"),
        (replace(ROW, rounds=()), "there is no record"),
        (replace(ROW, rounds=(*ROW.rounds, ROW.rounds[-1])), "once each, in order"),
        (replace(ROW, rounds=ROW.rounds[::-1]), "once each, in order"),
        (changed(3, metrics={"digit.accuracy": 0.5}), "round 3 lacks digit.loss and ink.r2"),
        (
            changed(4, client_metrics={n: m for n, m in OWN.items() if n != CLIENTS[2]}),
            f"round 4 lacks digit.accuracy and ink.r2 of {CLIENTS[2]}",
        ),
        (
            changed(4, client_metrics=OWN | {CLIENTS[2]: {"ink.r2": 0.2}}),
            f"round 4 lacks digit.accuracy of {CLIENTS[2]}",
        ),
    ],
)
def test_every_gap_is_named(row, message):
    assert message in gap(row)


def test_a_spent_budget_may_end_a_training_and_whoever_is_forgotten_may_be_gone():
    spent = PrivacyEvent("central", 8.0, 1e-5, "", "", "", 8.5, 1.0, 1.0, 4, stopped="spent")
    assert gap(without(5, changed(4, privacy=spent))) == ""
    assert gap(without(5, changed(4, privacy=replace(spent, stopped="")))) != ""
    gone = changed(5, client_metrics={n: m for n, m in OWN.items() if n != CLIENTS[0]})
    assert gap(gone) != ""
    assert gap(replace(gone, cell=replace(gone.cell, forget={"method": "retrain"}))) == ""


def test_repetitions_of_a_decision_are_counted_too(tmp_path):
    rows = load(decided(tmp_path / "deciding") / "cells.jsonl")
    assert {gap(row) for row in rows} == {""}
    assert len(rows[0].rounds) > 1
    assert gap(without(rows[0].rounds[-1].round, rows[0])).startswith("no record of round")


def pairs(folder, rows):
    analysis = analyse(read(write_run(folder, rows, SIMULATION.lock())))
    return len(analysis.families[0].differences[0].pairs), analysis.tables["unfinished"]


def test_the_comparison_refuses_it_and_says_why(tmp_path):
    """The mutation is the run as it was: with all records the seed is compared."""
    rows = SIMULATION.rows()
    place = next(
        i for i, r in enumerate(rows) if r.cell.seed == 3 and r.cell.labels["method"] == "qaoa"
    )
    assert pairs(tmp_path / "whole", rows)[0] == 6
    rows[place] = without(5, rows[place])
    count, listed = pairs(tmp_path / "torn", rows)
    assert count == 5
    [row] = listed.rows
    assert [cell.text for cell in row.cells[:3:2]] == [
        "skipped",
        "not compared: no record of round 5",
    ]
