"""Tables for machines: a row is a line and a cell never breaks it; durations never say sixty."""

import sys
from pathlib import Path

import pytest

from qfl.cli import output


def test_a_cell_with_tabs_and_line_breaks_stays_one_cell(capsys):
    output.table(["name", "why"], [["a", "first\n\tsecond"], [2, "  x  "]])
    assert capsys.readouterr().out == "name\twhy\na\tfirst second\n2\tx\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.6, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (119.6, "2 min 0 s"),
    ],
)
def test_durations_never_say_sixty(seconds, text):
    assert output.duration(seconds) == text


def test_words_for_people_leave_stdout_alone(capsys):
    output.say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_the_program_is_called_as_the_shell_would_find_it(monkeypatch, tmp_path):
    binary = tmp_path / "bin" / "qfl"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(binary), "run"])
    monkeypatch.setenv("PATH", str(Path(tmp_path, "elsewhere")))
    assert output.program() == "bin/qfl"
    monkeypatch.setenv("PATH", str(binary.parent))
    assert output.program() == "qfl"
