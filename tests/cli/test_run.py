"""`qfl run`: what it plays, what it says, how it exits."""

import errno
import json

import pytest

from qfl.study import store
from qfl.study.folder import toml
from qfl.study.store import load
from tests.study.test_streaming import SYNTHETIC
from tests.study.test_streaming import study as streaming


def test_a_study_runs_and_continues(qfl, file):
    first = qfl("run", file, "--jobs", 1)
    assert first.code == 0
    assert first.out == ""
    assert "[4/4] qaoa, seed 1: digit.accuracy 0." in first.err
    assert "next: qfl report runs/toy" in first.err
    again = qfl("run", file, "--jobs", 1)
    assert "runs/toy: 0 cells to do, 4 done already" in again.err
    assert (again.code, len(load(file.parent / "runs/toy/cells.jsonl"))) == (0, 4)


def test_a_folder_shows_the_settings_it_was_last_run_with(qfl, file, here):
    assert qfl("run", file, "--profile", "smoke", "--jobs", 1).code == 0
    assert qfl("status", "toy").out.splitlines()[1] == "runs/toy\t2\t\t\t\t\t\t"
    assert qfl("run", file, "--jobs", 1).code == 0
    assert qfl("status", "toy").out.splitlines()[1] == "runs/toy\t4\t\t\t\t\t\t"
    assert "and 2 cells of earlier settings" in qfl("validate", "runs/toy").out
    assert len(load(here / "runs/toy/cells.jsonl")) == 6


def test_seeds_and_only_choose_cells(qfl, file, here):
    qfl("run", file, "--seeds", "1", "--only", "method=qaoa", "--jobs", 1)
    rows = load(here / "runs/toy/cells.jsonl")
    assert [(row.cell.labels["method"], row.cell.seed) for row in rows] == [("qaoa", 1)]
    assert "2 cells to do" in qfl("run", file, "--seeds", "1:3", "--only", "seed=2").err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "method=none"], "no cell has method = none; values: qaoa, random"),
        (["--only", "method"], "--only takes KEY=VALUE"),
        (["--seeds", "3:3"], "--seeds 3:3 chooses nothing"),
        (["--seeds", "few"], "--seeds takes a range 0:10 or a list"),
        (["--set", "federation.rounds"], "--set takes KEY=VALUE"),
        (["--set", "federation.roundz=3"], "federation.roundz: unknown key (did you mean 'rounds'"),
        (["--set", "federation.rounds=few"], "should be a valid integer, got 'few'"),
        (["--profile", "smoek"], "unknown profile 'smoek' (did you mean 'smoke'?)"),
        (["--set", "federation.clients_per_round=20"], "cannot choose 20 of 16"),
        (["--set", "methods.qaoa.backend=cloud"], "pip install 'qfl[cloud]'"),
        (["--jobs", "0"], "--jobs"),
        (["--rerun", "some"], "some"),
    ],
)
def test_wrong_usage_is_one_message_and_code_2(qfl, file, here, options, message):
    done = qfl("run", file, *options)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (here / "runs").exists()


def test_dry_run_says_what_it_would_do_and_does_nothing(qfl, file, here):
    qfl("run", file, "--only", "method=qaoa", "--jobs", 1)
    before = sorted(path.name for path in (here / "runs/toy").iterdir())
    done = qfl("run", file, "--dry-run")
    assert done.out.splitlines() == [
        "method\tcells\tto do\treused\tstale\tseeds",
        "random\t2\t2\t0\t0\t0 1",
        "qaoa\t2\t0\t2\t0\t0 1",
    ]
    assert "runs/toy: 2 cells to do, 2 reused" in done.err
    assert sorted(path.name for path in (here / "runs/toy").iterdir()) == before
    assert qfl("run", file, "--dry-run", "--out", "new").code == 0
    assert not (here / "new").exists()


def test_dry_run_refuses_what_validate_and_run_refuse(real, here):
    made = streaming(
        scenario={**SYNTHETIC, "classes": 3},
        stream={"kind": "classes", "task": "task_3", "strategy": "naive", "stages": 4},
        methods=[{"label": "random", "solver": "random"}],
        headline={"metric": "continual_score", "method": "random", "baseline": "random"},
    )
    path = here / "stages.toml"
    path.write_text(toml(made.model_dump(exclude_defaults=True)))
    refused = [
        real(*words) for words in (("run", path, "--dry-run"), ("validate", path), ("run", path))
    ]
    for done in refused:
        assert (done.code, done.out) == (2, "")
        assert "stream.kind: 3 classes of 'task_3' cannot come in 4 groups" in done.err
    assert refused[0].err == refused[2].err
    assert real("run", path, "--dry-run", "--set", "stream.stages=2").code == 0


def test_json_progress_is_one_event_per_line_on_stdout(qfl, file):
    done = qfl("run", file, "--progress", "json", "--jobs", 1)
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events] == ["planned", *(["round"] * 4 + ["cell"]) * 4]
    assert events[5]["status"] == "done"


def test_a_failure_is_told_at_once_with_its_log_and_the_run_goes_on(qfl, troubled, here):
    done = qfl("run", troubled, "--jobs", 1)
    lines = done.err.splitlines()
    assert done.code == 1
    assert lines[4].startswith("[4/6] failed: qaoa, seed 1 (")
    assert "ZeroDivisionError: oh no; traceback: runs/toy/failures/" in lines[4]
    assert lines[-1] == "5 cells done, 1 failed"
    again = qfl("run", troubled, "--jobs", 1, "--rerun", "failed")
    assert (again.code, again.err.splitlines()[-1]) == (1, "0 cells done, 1 failed, 5 reused")


def test_a_full_disk_is_code_1_and_loses_nothing(qfl, file, here, monkeypatch):
    real = store._write

    def full(descriptor, data):
        if len(load(here / "runs/toy/cells.jsonl")) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write", full)
        done = qfl("run", file, "--jobs", 1)
    assert done.code == 1
    assert "error: no space left for runs/toy/cells.jsonl" in done.err
    assert "Traceback" not in done.err
    assert qfl("run", file, "--jobs", 1).err.splitlines()[-2] == "2 cells done, 2 reused"


def test_a_damaged_line_is_code_2_and_nothing_is_changed(qfl, file, here):
    qfl("run", file, "--jobs", 1)
    path = here / "runs/toy/cells.jsonl"
    path.write_text(path.read_text().replace('"status":"done"', '"status":"won"', 1))
    before = path.read_bytes()
    for command in ("run", "status", "validate", "export"):
        done = qfl(command, file if command == "run" else "runs/toy")
        assert done.code == 2
        assert "cells.jsonl:1: this line is damaged" in done.err
    assert path.read_bytes() == before
