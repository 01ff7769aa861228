"""What the display knows: counts, time left, and a live table on a terminal only."""

import io
import sys

import pytest
import toys

from qfl.cli import progress
from qfl.cli.progress import Board, display
from qfl.study.events import CellStored, Planned, RoundPlayed
from qfl.study.grid import cells
from qfl.study.store import CellRow


@pytest.fixture
def events(study, tmp_path):
    """The events of a run in which every cell takes ten seconds."""
    todo = tuple(cells(study))
    found = [Planned(tmp_path, todo, (), (), ())]
    for cell in todo:
        records = tuple(toys.play(cell))
        found += [RoundPlayed(cell, record) for record in records]
        row = CellRow(cell, "done", rounds=records, timings={"total_seconds": 10.0})
        found.append(CellStored(row))
    return found


def test_time_left_is_absent_until_every_method_has_finished_once(events):
    board = Board("digit.accuracy")
    left = []
    for event in events:
        board.note(event)
        left.append(board.seconds_left())
    assert left[:10] == [None] * 10
    assert left[10] == 20.0
    assert left[13] == pytest.approx(20.0 - 10.0 * 2 / 3)
    assert (board.left, board.ended["done"], left[-1]) == (0, 4, None)


def test_time_left_is_shared_by_the_workers(events):
    board = Board("digit.accuracy", workers=2)
    for event in events[:11]:
        board.note(event)
    assert board.seconds_left() == 10.0


def test_a_terminal_gets_a_live_table_and_ci_does_not(events, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def shown():
        monkeypatch.setattr(sys, "stderr", Terminal())
        board = Board("digit.accuracy")
        with display("auto", board) as show:
            for event in events:
                board.note(event)
                show(event)
        return sys.stderr.getvalue()

    monkeypatch.setattr(progress, "_REDRAW_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    live = shown()
    assert "3/4 cells" in live
    assert "qaoa, seed 1" in live
    assert "\x1b[" in live
    monkeypatch.setenv("CI", "true")
    plain = shown()
    assert "\x1b[" not in plain
    assert "[3/4] random, seed 1: digit.accuracy 0." in plain


def test_the_live_table_is_drawn_ten_times_a_second_at_most(events, monkeypatch):
    drawn = []
    monkeypatch.setattr(progress, "_picture", lambda board: drawn.append(1) or "")
    monkeypatch.setattr(progress, "monotonic", iter(i * 0.04 for i in range(1000)).__next__)
    board = Board("digit.accuracy")
    with progress._live(board) as show:
        for event in events:
            board.note(event)
            show(event)
    assert len(drawn) <= len(events) // 2
