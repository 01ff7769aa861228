"""The plain-text report of a small simulated run, line by line as it was reviewed.

After an intended change: print `summary.render(...)["summary.md"]` over report_summary.md and
read the difference.
"""

from pathlib import Path

import pytest
from simulated_run import simulate

from qfl.report.runs.results import read
from qfl.report.writing import summary
from qfl.report.writing.analysis import analyse

STORED = Path(__file__).with_name("report_summary.md")


@pytest.mark.golden
def test_the_summary_reads_as_reviewed(tmp_path):
    methods = ("random", "greedy", "qaoa")
    analysis = analyse(read(simulate(tmp_path / "run", rounds=12, methods=methods)))
    assert (
        summary.render(analysis)["summary.md"].splitlines()
        == STORED.read_text(encoding="utf-8").splitlines()
    )
