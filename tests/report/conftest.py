"""A simulated run on disk and its report, made once."""

import pytest
from simulated_run import simulate

import qfl.report
from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory):
    """Return the folder of a finished simulated run; tests only read it."""
    return simulate(tmp_path_factory.mktemp("runs") / "selection")


@pytest.fixture(scope="session")
def written(run_dir):
    """Return the report of `run_dir`."""
    return qfl.report.write(run_dir)


@pytest.fixture(scope="session")
def analysis(run_dir):
    """Return what the report of `run_dir` says."""
    return analyse(read(run_dir))
