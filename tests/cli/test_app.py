"""The program itself: help, version, and output that goes nowhere."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", [["list", "solvers"], ["--version"]])
def test_output_that_no_disk_can_hold_is_one_message(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "qfl", *command], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "error: no space left for the output of this command\n"


def test_help_and_version(qfl):
    assert "Start with: qfl demo" in qfl("--help").out
    assert qfl("--version").out.strip()
    assert qfl("runn").code == 2
