"""What the report says of the run that a file of tests has played into its `folder`."""

import pytest

from qfl.report.runs.results import read
from qfl.report.writing.analysis import analyse


@pytest.fixture(scope="module")
def analysis(folder):
    """Return what the report of `folder` says."""
    return analyse(read(folder))
