"""`qfl demo` and `qfl report`: from nothing to a page."""

from importlib import import_module

import pytest


@pytest.fixture
def demo(qfl, file, monkeypatch):
    """The command line with the toy study in place of the packaged one."""
    monkeypatch.setattr(import_module("qfl.cli.studies"), "packaged", lambda name: file)
    return qfl


def test_the_demo_says_what_came_out_and_how_to_go_on(demo, here):
    done = demo("demo", "--jobs", 1)
    assert done.code == 0
    assert done.out == "runs/demo/report.html\n"
    assert "4 cells done" in done.err
    assert "2 paired seeds" in done.err
    assert "qfl status runs/demo" in done.err
    assert (here / "runs/demo/summary.csv").is_file()
    assert "0 cells to do, 4 done already" in demo("demo", "--jobs", 1).err


def test_the_demo_takes_a_profile(demo, here):
    assert demo("demo", "--jobs", 1, "--profile", "smoke", "--out", "quick").code == 0
    assert (here / "quick/report.html").is_file()


def test_an_interrupted_demo_writes_no_report(demo, here, monkeypatch):
    def interrupted(path, row):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("qfl.study.run"), "append", interrupted)
    assert demo("demo", "--jobs", 1).code == 130
    assert not (here / "runs/demo/report.html").exists()


def test_report_prints_the_headline_and_every_file(demo, here):
    demo("demo", "--jobs", 1)
    done = demo("report", "demo")
    assert "paired seeds" in done.err
    paths = done.out.splitlines()
    assert paths[0] == "runs/demo/report.html"
    assert all((here / path).is_file() for path in paths)


def test_a_report_of_nothing_is_one_sentence(qfl):
    done = qfl("report", "nothing")
    assert (done.code, done.out) == (2, "")
    assert "error: no run 'nothing'" in done.err
