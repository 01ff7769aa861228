"""Running, resuming and stopping a study; the same records whatever the path."""

import errno
import json
import os
from importlib import import_module

import pytest
import toys

from qfl.core.errors import ConfigError, DiskFullError, StoreError
from qfl.study import store
from qfl.study.events import CellStored, Planned, RoundPlayed
from qfl.study.folder import RunFolder
from qfl.study.grid import cells
from qfl.study.model import Study
from qfl.study.run import run
from qfl.study.store import load


@pytest.fixture
def out(tmp_path):
    return tmp_path / "run"


def go(study, out, **options):
    return list(run(study, out=out, **{"play": toys.play, **options}))


def stored(events):
    return [event.row for event in events if isinstance(event, CellStored)]


def contents(out):
    return {row.cell.id: row.content() for row in load(out / "cells.jsonl")}


def test_every_cell_is_played_and_stored(study, out):
    events = go(study, out)
    assert isinstance(events[0], Planned)
    assert len(events[0].todo) == 4
    assert sum(isinstance(event, RoundPlayed) for event in events) == 4 * 4
    assert [row.cell for row in stored(events)] == cells(study)
    assert load(out / "cells.jsonl") == stored(events)
    assert all(row.status == "done" and len(row.rounds) == 4 for row in stored(events))
    assert not (out / "running.json").exists()


def test_the_same_run_again_reuses_everything(study, out):
    go(study, out)
    before = (out / "cells.jsonl").read_bytes()
    events = go(study, out)
    assert [type(event) for event in events] == [Planned]
    assert (len(events[0].todo), len(events[0].reused)) == (0, 4)
    assert (out / "cells.jsonl").read_bytes() == before


def test_a_pool_gives_the_same_records(study, out, tmp_path):
    go(study, out)
    go(study, tmp_path / "pool", jobs=2)
    assert contents(tmp_path / "pool") == contents(out)


def test_what_cells_leave_of_the_jobs_trains_their_clients(study, out, monkeypatch):
    seen = []

    def play(cell, *, folder, workers):
        seen.append(workers)
        return toys.play(cell)

    module = import_module("qfl.study.run")
    monkeypatch.setattr(module, "default_play", lambda: play)
    one = study.with_overrides(overrides={"seeds": 1})
    for jobs, chosen in ((5, cells(one)[:1]), (1, cells(one)[1:])):
        go(one, out, play=None, jobs=jobs, chosen=chosen)
    assert seen == [5, *[1] * len(cells(one)[1:])]
    assert {cell.id for cell in cells(one)} <= contents(out).keys()


def test_a_stopped_run_continues_with_what_is_left(study, out, tmp_path):
    go(study, tmp_path / "whole")
    events = run(study, out=out, play=toys.play)
    for event in events:
        if isinstance(event, CellStored):
            break
    events.close()
    assert len(load(out / "cells.jsonl")) == 1
    assert len(stored(go(study, out))) == 3
    assert contents(out) == contents(tmp_path / "whole")


def test_a_cell_left_running_by_a_dead_process_is_todo_again(study, out):
    go(study, out)
    lines = (out / "cells.jsonl").read_text().splitlines(keepends=True)
    (out / "cells.jsonl").write_text("".join(lines[:-1]))
    RunFolder(out).note_running({cells(study)[-1].id: 2})
    planned = go(study, out)[0]
    assert planned.interrupted == planned.todo == (cells(study)[-1],)


def test_chosen_cells_run_alone_and_the_study_keeps_its_grid(study, out):
    chosen = cells(study)[1:2]
    assert [row.cell for row in stored(go(study, out, chosen=chosen))] == chosen
    assert len(RunFolder(out).asked()) == 4
    assert len(stored(go(study, out))) == 3


@pytest.mark.parametrize(
    ("skew", "status", "reason"),
    [
        (0.4, "failed", "the circuit does not fit"),
        (0.5, "failed", "ZeroDivisionError: oh no"),
        (0.6, "failed", "round 2 holds a number that is not finite: metrics.digit.accuracy"),
        (0.8, "skipped", "pip install 'qfl[cloud]'"),
        (0.9, "failed", "it played no round"),
    ],
)
def test_trouble_in_one_cell_is_stored_and_the_run_goes_on(
    toy_world, settings, out, skew, status, reason
):
    settings["scenario"]["skew"] = skew
    events = go(Study(**settings), out, play=toys.play_with_trouble)
    rows = stored(events)
    assert [row.status for row in rows] == ["done", "done", "done", status]
    assert reason in rows[-1].reason
    assert rows[-1].rounds == ()
    log = events[-1].log
    assert ("oh no" in log.read_text()) if skew == 0.5 else log is None


def test_a_worker_that_dies_fails_its_cell_alone(toy_world, settings, out):
    settings["scenario"]["skew"] = 0.7
    settings["seeds"] = 3
    rows = stored(go(Study(**settings), out, jobs=2, play=toys.play_with_trouble))
    failed = [row for row in rows if row.status == "failed"]
    assert len(rows) == 6
    assert [row.cell.labels["method"] for row in failed] == ["qaoa"]
    assert "killed (SIGKILL): often the machine ran out of memory" in failed[0].reason


def test_failures_are_never_results(toy_world, settings, out):
    settings["scenario"]["skew"] = 0.4
    study = Study(**settings)
    go(study, out, play=toys.play_with_trouble)
    assert len(stored(go(study, out, rerun="failed", play=toys.play_with_trouble))) == 1
    rows = stored(go(study, out))
    assert [row.status for row in rows] == ["done"]
    assert go(study, out)[0].todo == ()


def test_results_of_other_code_are_stale_until_rerun(study, out, monkeypatch):
    go(study, out)
    module = import_module("qfl.study.run")
    monkeypatch.setattr(module, "fingerprint", lambda cell, played_by: "other")
    planned = go(study, out)[0]
    assert (len(planned.stale), len(planned.reused), len(planned.todo)) == (4, 4, 0)
    rows = stored(go(study, out, rerun="stale"))
    assert [row.fingerprint for row in rows] == ["other"] * 4
    assert load(out / "cells.jsonl") == rows
    assert go(study, out)[0].stale == ()


def test_rerun_all_plays_everything_again(study, out):
    go(study, out)
    assert len(stored(go(study, out, rerun="all"))) == 4
    assert len(load(out / "cells.jsonl")) == 4


def test_two_processes_do_not_write_one_folder(study, out):
    with (
        RunFolder(out).held(),
        pytest.raises(StoreError, match=r"another process .* is writing .*choose another --out"),
    ):
        go(study, out)
    assert len(stored(go(study, out))) == 4


def test_a_folder_belongs_to_one_study(study, settings, out):
    go(study, out)
    with pytest.raises(ConfigError, match=r"holds the study 'toy', not 'other'"):
        go(Study(**settings | {"name": "other"}), out)


def test_a_damaged_line_stops_before_anything_is_played(study, out):
    go(study, out)
    path = out / "cells.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "{broken\n", *lines[2:]]))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"cells\.jsonl:2: this line is damaged"):
        go(study, out)
    assert path.read_bytes() == before


def test_a_full_disk_keeps_what_is_stored_and_the_rerun_finishes(study, out, tmp_path, monkeypatch):
    go(study, tmp_path / "whole")
    real, written = os.fsync, []

    def full_after_two(file):
        if os.readlink(f"/proc/self/fd/{file}").endswith("cells.jsonl"):
            written.append(file)
            if len(written) > 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "fsync", full_after_two)
        with pytest.raises(DiskFullError, match=r"no space left for .*cells\.jsonl; what was"):
            go(study, out)
    assert len(load(out / "cells.jsonl")) == 2
    assert len(stored(go(study, out))) == 2
    assert contents(out) == contents(tmp_path / "whole")


def test_provenance_and_lock_are_written(study, out):
    row = stored(go(study, out))[0]
    found = json.loads((out / "provenance" / f"{row.provenance}.json").read_text())
    assert found["seeds"] == [0, 1]
    assert found["data"] == {"toy-data": "00" * 32}
    assert found["threads"]["OMP_NUM_THREADS"] == "1"
    assert Study.load(out / "study.lock.toml").sweep == study.sweep
    assert cells(Study.load(out / "study.lock.toml")) == cells(study)


def test_jobs_below_one_are_refused(study, out):
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        go(study, out, jobs=0)


def test_what_is_no_study_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match=r"run needs a Study, .* got None"):
        next(run(None))
    with pytest.raises(ConfigError, match="needs the path of a study file, got None"):
        Study.load(None)
