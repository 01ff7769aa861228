"""Where a study or a run comes from: a file, a script, a folder, a name."""

import sys

from qfl.cli import main
from qfl.study import Study
from qfl.study.grid import cells


def test_runs_that_are_not_there_are_named(qfl, run_folder, here):
    done = qfl("status", "tyo")
    assert (done.code, done.err) == (
        2,
        "error: no run 'tyo'; there are runs/toy. Start one with: qfl run STUDY\n",
    )


def test_a_study_that_is_not_there_says_what_would_work(qfl):
    done = qfl("run", "demmo")
    assert done.code == 2
    assert "no study 'demmo': give a .toml or .py file" in done.err


def test_a_script_is_a_second_front_door_to_the_same_cells(qfl, file, study, here):
    qfl("run", file, "--jobs", 1)
    done = qfl("--jobs", "1", study=study)
    assert done.code == 0
    assert "0 cells to do, 4 done already" in done.err
    script = here / "toy.py"
    script.write_text(
        "from qfl.study import Study\nstudy = Study.load(__file__.replace('.py', '.toml'))\n"
    )
    assert "4 done already" in qfl("run", script, "--jobs", 1).err


def test_ids_do_not_depend_on_the_door(study, file):
    assert [c.id for c in cells(Study.load(file))] == [c.id for c in cells(study)]


def test_a_worker_that_imports_the_script_runs_nothing(study, here, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "...", "--multiprocessing-fork"])
    assert main(study) is None
    assert list(here.iterdir()) == []


def test_a_run_folder_is_continued_where_it_is(qfl, file, here):
    qfl("run", file, "--only", "method=qaoa", "--out", here / "mine", "--jobs", 1)
    done = qfl("run", here / "mine", "--jobs", 1)
    assert "mine: 2 cells to do, 2 done already" in done.err


def test_a_lock_that_no_longer_means_the_same_cells_is_refused(qfl, file, here):
    qfl("run", file, "--jobs", 1)
    lock = here / "runs/toy/study.lock.toml"
    lock.write_text(lock.read_text().replace("skew = 0.3", "skew = 0.4"))
    done = qfl("run", "runs/toy", "--jobs", 1)
    assert done.code == 2
    assert "Run the study file with --out runs/toy instead" in done.err
