"""`qfl data`: licences on stdout, refusals that say what to do."""


def test_list_shows_licence_and_citation_of_every_set(qfl):
    done = qfl("data", "list")
    header, *lines = done.out.splitlines()
    assert header == "set\ton this machine\tversion\tlicence\tcitation\tnote"
    rows = {line.split("\t")[0]: line.split("\t") for line in lines}
    assert rows["ett"][3] == "CC-BY-ND-4.0"
    assert "Duin" in rows["mfeat"][4]
    assert done.code == 0


def test_a_set_that_nobody_knows_is_bad_usage(qfl):
    done = qfl("data", "fetch", "mnits")
    assert done.code == 2
    assert "did you mean 'mnist'" in done.err


def test_the_licence_is_shown_before_anything_is_fetched(qfl, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = qfl("data", "fetch", "pjm_hourly")
    assert done.code == 2
    assert done.err.index("CC0-1.0") < done.err.index("put its files into")
