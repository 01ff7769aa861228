import subprocess
import sys

import pytest
from instances import k_of_n

from qfl.backends import get_backend, stored
from qfl.core import registry
from qfl.core.errors import MissingExtraError, UnknownNameError


def test_snapshots_are_found_without_a_framework():
    script = (
        "import sys; from qfl.backends.stored import snapshot_names; print(len(snapshot_names()));"
        "print(sorted({'qiskit', 'qiskit_ibm_runtime', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    count, loaded = done.stdout.split("\n")[:2]
    assert int(count) >= 60
    assert loaded == "[]"


def test_an_unknown_snapshot_is_refused_with_the_nearest():
    stored.check_snapshot("fake_fez")
    with pytest.raises(
        UnknownNameError, match=r"unknown snapshot 'fake_fex' \(did you mean 'fake_"
    ):
        stored.check_snapshot("fake_fex")


def test_without_the_extra_nothing_is_known_and_nothing_is_refused(monkeypatch):
    stored.snapshot_files.cache_clear()
    monkeypatch.setattr(stored, "find_spec", lambda name: None)
    assert stored.snapshot_names() == ()
    stored.check_snapshot("fake_anything")
    stored.snapshot_files.cache_clear()


def test_what_needs_a_snapshot_says_what_to_install(monkeypatch):
    """The rows of the table stay installed: they run without a snapshot too."""
    backend = get_backend("noise:depolarising", snapshot="fake_fez")
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"a snapshot needs the extra .* 'qfl\[ibm\]'"):
        backend.compile(k_of_n(3, 1, "xy_ring", 1))
    with pytest.raises(MissingExtraError, match=r"a snapshot needs the extra .* 'qfl\[ibm\]'"):
        _ = backend.capabilities
