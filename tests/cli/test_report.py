"""`qfl report`: the headline and every file."""


def test_report_prints_the_headline_and_every_file(demo, here):
    demo("demo", "--jobs", 1)
    done = demo("report", "demo")
    assert "paired seeds" in done.err
    paths = done.out.splitlines()
    assert paths[0] == "runs/demo/report.html"
    assert all((here / path).is_file() for path in paths)


def test_two_methods_are_compared_without_a_report(demo, here):
    demo("demo", "--jobs", 1)
    asked = ("report", "demo", "--compare", "qaoa", "random", "--metric", "digit.accuracy")
    head, line = (each.split("\t") for each in demo(*asked).out.splitlines())
    found = dict(zip(head, line, strict=True))
    assert (found["setting"], found["method"], found["baseline"]) == ("-", "qaoa", "random")
    assert found["difference"].count("[") == (int(found["seeds"]) > 1)
    ours, theirs = (float(found[side].split()[0]) for side in ("of method", "of baseline"))
    gap = float(found["difference"].split()[0].replace("\u2212", "-"))
    assert abs(ours - theirs - gap) < 0.2
    other = demo("report", "demo", "--compare", "qaoa", "rndom")
    assert other.code == 2
    assert "did you mean 'random'?" in other.err


def test_a_report_of_nothing_is_one_sentence(qfl):
    done = qfl("report", "nothing")
    assert (done.code, done.out) == (2, "")
    assert "error: no run 'nothing'" in done.err
