"""cells.jsonl loses nothing: torn lines, damaged lines, merges, a full disk."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from qfl.core.cell import Cell
from qfl.core.errors import DiskFullError, StoreError
from qfl.core.events import LinkEvent
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.study import store
from qfl.study.store import CellRow, append, load


def record(number: int = 0, accuracy: float = 0.1) -> RoundRecord:
    return RoundRecord(
        round=number,
        selected=("client-00",),
        delivered=("client-00",),
        metrics={"digit.accuracy": accuracy},
        client_metrics={"client-00": {"digit.accuracy": accuracy}},
        choice=None,
        costs=Costs(payload_bytes_up=3, energy_joules=0.1),
        links=(LinkEvent("client-00", 10, 5, 0.03, 2, 5),),
        level="L3",
        timings=Timings(total_seconds=0.5),
    )


def row(seed: int = 0, **changes) -> CellRow:
    cell = Cell({"name": "s"}, {}, {}, {"name": "qaoa"}, {}, seed, {"method": "qaoa"})
    made = CellRow(cell, "done", rounds=(record(0), record(1, 1 / 3)), fingerprint="f0")
    return replace(made, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cells.jsonl"


def test_rows_come_back_as_they_were_written(path):
    rows = [row(0), row(1, status="failed", reason="no route", rounds=())]
    for one in rows:
        append(path, one)
    assert load(path) == rows
    assert load(path)[0].cell.labels == {"method": "qaoa"}


def test_a_missing_file_has_no_rows(path):
    assert load(path) == []


def test_a_torn_last_line_is_dropped_and_cut_off_by_the_next_append(path):
    append(path, row(0))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert load(path) == [row(0)]
    append(path, row(1))
    assert path.read_bytes().startswith(whole)
    assert load(path) == [row(0), row(1)]


def test_a_whole_last_line_without_its_newline_is_kept(path):
    append(path, row(0))
    path.write_bytes(path.read_bytes()[:-1])
    append(path, row(1))
    assert load(path) == [row(0), row(1)]


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda line: line[:-20], "damaged"),
        (lambda line: line.replace('"seed":0', '"seed":9'), "not the hash"),
        (lambda line: line.replace('"status":"done"', '"status":"won"'), "allowed: done"),
        (lambda line: line.replace('"labels"', '"label"'), "no field 'labels'"),
        (lambda line: line.replace('"schema":1', '"schema":0'), "schema 0"),
        (lambda line: "[]", "damaged"),
    ],
)
def test_any_other_bad_line_is_an_error_with_its_number(path, damage, cause):
    for seed in (1, 0, 2):
        append(path, row(seed))
    lines = path.read_text().splitlines()
    lines[1] = damage(lines[1])
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"cells\.jsonl:2: .*" + cause):
        load(path)
    assert path.read_bytes() == before


def test_lines_of_other_types_and_fields_of_newer_versions_survive(path):
    line = row(0).to_dict() | {"mood": "fine"}
    text = json.dumps({"type": "note", "text": "kept"}) + "\n" + json.dumps(line) + "\n"
    path.write_text(text)
    append(path, row(1))
    assert path.read_text().startswith(text)
    assert load(path) == [row(0), row(1)]


def test_a_result_supersedes_a_failure_and_a_repeated_line_collapses(path):
    for one in (row(0, status="failed", reason="x", rounds=()), row(0), row(0)):
        append(path, one)
    append(path, row(0, status="failed", reason="late", rounds=()))
    assert load(path) == [row(0)]


def test_concatenated_runs_with_different_results_for_one_cell_are_refused(path):
    append(path, row(0))
    append(path, row(0, rounds=(record(0, 0.2),)))
    with pytest.raises(StoreError, match=r":2: cell .* two different results"):
        load(path)


def test_real_seconds_may_differ_between_equal_results(path):
    append(path, row(0))
    slower = replace(record(0), timings=Timings(total_seconds=9.0))
    append(path, row(0, rounds=(slower, record(1, 1 / 3)), timings={"total_seconds": 9.0}))
    assert len(load(path)) == 1


def test_a_deliberate_rerun_replaces_the_older_result(path):
    append(path, row(0))
    fresh = row(0, rounds=(record(0, 0.2),), fingerprint="f1", replaces="f0")
    append(path, fresh)
    assert load(path) == [fresh]


def test_a_full_disk_is_one_sentence_and_leaves_the_file_as_it_was(path, monkeypatch):
    append(path, row(0))
    before = path.read_bytes()
    real = os.write

    calls = iter([50, None])

    def write(file, data):
        if next(calls) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:50])

    monkeypatch.setattr(store.os, "write", write)
    with pytest.raises(DiskFullError, match="Free some space and run the same command again"):
        append(path, row(1))
    assert path.read_bytes() == before


def test_an_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        append(tmp_path / "file" / "cells.jsonl", row(0))


def test_an_unreadable_file_is_one_sentence(tmp_path):
    (tmp_path / "cells.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"cannot read .*cells\.jsonl: Is a directory"):
        load(tmp_path / "cells.jsonl")


def test_a_small_file_is_replaced_whole_or_not_at_all(path, monkeypatch):
    store.write_atomically(path, "old")

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(DiskFullError):
        store.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [child.name for child in path.parent.iterdir()] == ["cells.jsonl"]
