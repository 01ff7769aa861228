"""Events say in plain JSON what happened, and name the cell that it happened to."""

import json

import pytest
import toys

from qfl.study.events import CellStored, Planned, RoundPlayed
from qfl.study.grid import cells
from qfl.study.store import CellRow


@pytest.fixture
def cell(study):
    return cells(study)[0]


def test_a_plan_counts_its_cells(study, tmp_path):
    every = cells(study)
    plan = Planned(tmp_path, todo=every[1:], reused=every[:1], stale=(), interrupted=every[1:2])
    assert json.loads(json.dumps(plan.to_dict())) == {
        "event": "planned",
        "folder": str(tmp_path),
        "todo": 3,
        "reused": 1,
        "stale": 0,
        "interrupted": 1,
    }


def test_a_round_and_the_end_of_a_cell_have_its_name_and_numbers(cell):
    records = tuple(toys.play(cell))
    played = RoundPlayed(cell, records[1]).to_dict()
    assert (played["id"], played["seed"], played["round"]) == (cell.id, cell.seed, 1)
    assert played["labels"] == {"method": "random"}
    row = CellRow(
        cell=cell, status="done", rounds=records, fingerprint="f", provenance="p", timings={}
    )
    stored = CellStored(row).to_dict()
    assert json.loads(json.dumps(stored)) == stored
    assert stored["metrics"] == records[-1].measured()


def test_a_cell_that_failed_has_a_reason_and_no_numbers(cell):
    row = CellRow(
        cell=cell,
        status="failed",
        rounds=(),
        fingerprint="f",
        provenance="p",
        timings={},
        reason="out of memory",
    )
    stored = CellStored(row).to_dict()
    assert (stored["status"], stored["reason"]) == ("failed", "out of memory")
    assert (stored["metrics"], stored["seconds"]) == ({}, 0.0)
