"""`qfl demo`: from nothing to a page."""

from importlib import import_module


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
