"""`qfl status`: what is done, left, running and stale."""

import json

from qfl.study.folder import RunFolder


def test_status_counts_states_of_all_runs_or_one(qfl, file, run_folder):
    for arguments in (["status"], ["status", "toy"], ["status", file], ["status", "runs/toy"]):
        done = qfl(*arguments)
        header, line = done.out.splitlines()
        assert header == "run\tdone\tstale\tfailed\tskipped\tpending\trunning\ttodo"
        assert line.endswith("runs/toy\t4\t\t\t\t\t\t")
        assert done.code == 0


def test_status_shows_what_is_left_running_and_stale(qfl, run_folder):
    path = run_folder / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    stale = lines[0].replace(json.loads(lines[0])["fingerprint"], "other")
    path.write_text("".join([stale, lines[1]]))
    folder = RunFolder(run_folder)
    running = json.loads(lines[3])["id"]
    folder.note_running({running: 2})
    with folder.held():
        done = qfl("status", "toy")
    assert done.out.splitlines()[1] == "runs/toy\t1\t1\t\t\t\t1\t1"
    assert "running: qaoa, seed 1: 2 rounds (pid" in done.err
    assert qfl("status", "toy").out.splitlines()[1] == "runs/toy\t1\t1\t\t\t\t\t2"


def test_status_without_runs_says_how_to_start(qfl):
    done = qfl("status")
    assert (done.code, done.err) == (0, "there are no runs yet; start one with: qfl demo\n")
