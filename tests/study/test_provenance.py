"""Provenance names what made a result, and keeps secrets to itself."""

import sys
from pathlib import Path

import pytest

import qfl
from qfl.study import provenance
from qfl.study.grid import cells


@pytest.mark.parametrize(
    "argv",
    [
        ["qfl", "run", "--set", "backend.token=hunter2"],
        ["qfl", "run", "--token", "hunter2"],
        ["qfl", "run", "--api-key=hunter2"],
    ],
)
def test_credentials_on_the_command_line_are_masked(study, monkeypatch, argv):
    monkeypatch.setattr(sys, "argv", argv)
    found = provenance.collect(cells(study), lock="")
    assert "***" in " ".join(found["argv"])
    assert "hunter2" not in str(found)


def test_nothing_from_the_environment_but_thread_limits_is_kept(study, monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "hunter2")
    assert "hunter2" not in str(provenance.collect(cells(study), lock=""))


def test_paths_are_relative(monkeypatch, study, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"{tmp_path}/bin/qfl", f"{Path.home()}/x.toml", "/else"])
    found = provenance.collect(cells(study), lock="")
    assert found["argv"] == ["./bin/qfl", "~/x.toml", "/else"]


def test_the_same_circumstances_are_written_once(study, tmp_path):
    names = {provenance.write(tmp_path, cells(study), lock="x") for _ in range(2)}
    files = list((tmp_path / "provenance").iterdir())
    assert {file.stem for file in files} == names
    assert len(names) == 1


def test_versions_and_threads_are_named(study):
    found = provenance.collect(cells(study), lock="x")
    assert found["versions"]["qfl"] == qfl.__version__
    assert {"numpy", "torch", "scipy"} <= set(found["versions"])
    assert found["threads"]["OMP_NUM_THREADS"] == "1"
    assert set(found["host"]) == {"cores", "cpu", "os", "python"}


def test_a_folder_that_git_does_not_track_has_no_commit(tmp_path):
    assert provenance.git_state(tmp_path) == {}


def test_a_checkout_names_its_commit():
    state = provenance.git_state(Path(qfl.__file__).parent)
    if state:
        assert len(state["commit"]) == 40
        assert bool(state["diff_sha256"]) is state["dirty"]
