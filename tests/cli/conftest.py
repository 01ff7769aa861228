"""`qfl(...)` runs the command line in this process, over the toy world, in an empty folder."""

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
import toys
from toy_fixtures import settings, study, toy_world

from qfl.cli import main
from qfl.study.folder import toml

__all__ = ["settings", "study", "toy_world"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def qfl(here, toy_world, monkeypatch, capsys):
    """A function (*arguments, study=None) -> code, out, err."""
    monkeypatch.setattr(import_module("qfl.study.run"), "PLAYER", "toys")
    monkeypatch.delenv("CI", raising=False)

    def call(*arguments, study=None):
        monkeypatch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(study)
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return call


@pytest.fixture
def real(here, capsys, monkeypatch):
    """The command line over the real world: (*arguments) -> code, out, err."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return call


@pytest.fixture
def file(here, settings):
    """toy.toml in the working folder."""
    path = here / "toy.toml"
    path.write_text(toml(settings))
    return path


@pytest.fixture
def run_folder(qfl, file, here):
    """runs/toy, finished."""
    assert qfl("run", file, "--jobs", 1).code == 0
    return here / "runs/toy"


@pytest.fixture
def demo(qfl, file, monkeypatch):
    """The command line with the toy study in place of the packaged one."""
    monkeypatch.setattr(import_module("qfl.cli.studies"), "packaged", lambda name: file)
    return qfl


@pytest.fixture
def troubled(here, settings, monkeypatch, qfl):
    """A file whose last cell has a bug, and the command line that plays it."""
    module = import_module("qfl.study.run")
    monkeypatch.setattr(module, "default_play", lambda: toys.play_with_trouble)
    settings["scenario"]["skew"] = 0.5
    settings["seeds"] = 3
    path = here / "toy.toml"
    path.write_text(toml(settings))
    return path
