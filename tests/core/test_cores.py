"""Free cores: those that a process is confined to, or all where a system cannot say."""

import os
import subprocess
import sys

import pytest

from qfl.core.cores import available_cores

CODE = "from qfl.core.cores import available_cores; print(available_cores())"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux confines a process")
def test_a_confined_process_counts_the_cores_that_it_was_given():
    one = min(os.sched_getaffinity(0))
    confined = f"import os; os.sched_setaffinity(0, {{{one}}}); {CODE}"
    done = subprocess.run([sys.executable, "-c", confined], capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr


@pytest.mark.parametrize(("counted", "expected"), [(6, 6), (None, 1)])
def test_without_confinement_all_cores_count_and_at_least_one(monkeypatch, counted, expected):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert available_cores() == expected
