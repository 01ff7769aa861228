"""`qfl report`: the headline and every file."""


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
