"""kill -9 at any moment costs nothing but the cells being played: the rerun ends the same."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import killed
import pytest

from qfl.study import run
from qfl.study.events import CellStored
from qfl.study.grid import cells
from qfl.study.store import load

DONE_BEFORE = {
    "planned": 0,
    "first-round": 0,
    "first-stored": 1,
    "last-round": 3,
    "half-a-line": 1,
    "pool": 1,
}


@pytest.fixture(scope="module")
def study():
    return killed.study()


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory):
    """Cell id -> records of an uninterrupted run, real seconds aside."""
    out = tmp_path_factory.mktemp("whole")
    list(run(study, out=out))
    return {row.cell.id: row.content() for row in load(out / "cells.jsonl")}


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """The folder with one run per moment, each killed then."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, killed.__file__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    ends = sorted(line.split() for line in done.stdout.splitlines())
    assert ends == sorted([moment, str(int(signal.SIGKILL))] for moment in killed.MOMENTS)
    return folder


@pytest.mark.parametrize("moment", killed.MOMENTS)
def test_a_killed_run_is_finished_by_the_same_command(study, whole, dead, moment):
    out = dead / moment
    before = load(out / "cells.jsonl")
    assert len(before) == DONE_BEFORE[moment]
    played = [event.row for event in run(study, out=out) if isinstance(event, CellStored)]
    assert len(before) + len(played) == 4
    rows = load(out / "cells.jsonl")
    assert sorted(row.cell.id for row in rows) == sorted(cell.id for cell in cells(study))
    assert {row.cell.id: row.content() for row in rows} == whole
    lines = (out / "cells.jsonl").read_bytes().splitlines()
    assert len(lines) == 4


def test_workers_do_not_outlive_a_killed_run(dead):
    """A worker whose parent is gone finds its pipe broken after at most one round."""
    workers = [int(pid) for pid in (dead / "pool" / "workers.txt").read_text().split()]
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while (left := [pid for pid in workers if _is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
