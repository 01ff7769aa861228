"""The run on devices, played once."""

import pytest
from device_run import measured

from qfl.report.runs.results import read


@pytest.fixture(scope="session")
def device_folder(tmp_path_factory):
    """Return the folder of a finished run on devices; tests only read it."""
    return measured(tmp_path_factory.mktemp("devices") / "run")


@pytest.fixture(scope="session")
def device_results(device_folder):
    """Return what was read from it."""
    return read(device_folder)
