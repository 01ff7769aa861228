"""Following a run to its end: what is said last, and what stops it."""

from importlib import import_module

from qfl.study import store


def test_fail_fast_stops_at_the_first_failure(qfl, troubled):
    done = qfl("run", troubled, "--jobs", 1, "--fail-fast")
    assert done.code == 1
    assert done.err.splitlines()[-1] == "3 cells done, 1 failed, 2 left"


def test_ctrl_c_says_how_to_continue_and_exits_130(qfl, file, monkeypatch):
    real = store.append
    module = import_module("qfl.study.run")

    def interrupted(path, row):
        if row.cell.seed == 1:
            raise KeyboardInterrupt
        real(path, row)

    with monkeypatch.context() as patch:
        patch.setattr(module, "append", interrupted)
        done = qfl("run", file, "--jobs", 1)
    assert done.code == 130
    assert done.err.splitlines()[-1] == "2 done, 2 left: run the same command again to continue"
    assert qfl("run", file, "--jobs", 1).code == 0


def test_no_progress_prints_no_lines_but_the_summary(qfl, file):
    done = qfl("run", file, "--progress", "none", "--jobs", 1)
    assert done.err.splitlines() == ["4 cells done", "next: qfl report runs/toy"]
