"""Following a run to its end: what is said last, and what stops it."""

from importlib import import_module

import pytest

from qfl.cli.exits import Exit
from qfl.cli.follow import summary
from qfl.cli.progress import Board
from qfl.study import store
from qfl.study.events import CellStored, Planned
from qfl.study.grid import cells
from qfl.study.store import CellRow


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


@pytest.mark.parametrize(("skipped", "code"), [(2, Exit.FAILED), (1, Exit.DONE)])
def test_a_method_whose_cells_were_all_skipped_is_named_and_no_success(
    study, tmp_path, capsys, skipped, code
):
    board, todo = Board("digit.accuracy"), tuple(cells(study))
    board.note(Planned(tmp_path, todo, (), (), ()))
    lost = [cell for cell in todo if cell.labels["method"] == "qaoa"][:skipped]
    for cell in todo:
        row = CellRow(cell, "done", timings={"total_seconds": 1.0})
        if cell in lost:
            row = CellRow(cell, "skipped", reason="2 TiB needed")
        board.note(CellStored(row))
    assert summary(board) == code
    said = "qaoa has no result: all its cells were skipped (2): 2 TiB needed"
    assert (said in capsys.readouterr().err) == (skipped == 2)
