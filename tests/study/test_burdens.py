"""Sample counts are known when a study is validated, and masked sums have a limit of weights."""

import pytest

from qfl.cli.validate import validate
from qfl.core.errors import StudyError
from qfl.study import Study, cells, run
from qfl.study.assemble import play
from qfl.study.burdens import too_heavy

TOML = """
name = "heavy"
title = "Heavy"
question = "?"
hypothesis = "!"
seeds = 1
scenario = {{ name = "digits", clients = 6 }}
federation = {{ algorithm = "fedavg", rounds = 1, clients_per_round = 6, epochs = 1 }}
selection = {{ problem = "client_selection", redundancy = 0.0, loss = 0.0 }}
channel = {{ name = "masked", heaviest = {heaviest} }}
methods = [{{ solver = "random" }}, {{ solver = "exact" }}]
headline = {{ metric = "digit.accuracy", method = "exact", baseline = "random" }}
"""


def study(tmp_path, heaviest):
    path = tmp_path / "heavy.toml"
    path.write_text(TOML.format(heaviest=heaviest))
    return path


def test_a_limit_below_a_client_is_refused_with_the_one_that_works(tmp_path, capsys):
    with pytest.raises(StudyError, match=r"channel\.heaviest: a client has (\d+)") as caught:
        validate(str(study(tmp_path, 5)))
    [(_, message)] = caught.value.issues
    enough = int(message.split()[3])
    path = study(tmp_path, enough)
    validate(str(path))
    assert "is valid" in capsys.readouterr().out
    [cell, _] = cells(Study.load(path))
    assert list(play(cell))[-1].sums
    assert too_heavy(cells(Study.load(study(tmp_path, enough - 1))))


def test_private_clients_weigh_one(tmp_path):
    [cell, _] = cells(Study.load(study(tmp_path, 5)))
    assert too_heavy([cell])
    private = Study.load(study(tmp_path, 5)).model_dump() | {"privacy": {"mechanism": "central"}}
    assert not too_heavy(cells(Study(**private)))


def test_a_run_is_refused_before_anything_starts(tmp_path):
    asked, folder = Study.load(study(tmp_path, 5)), tmp_path / "run"
    with pytest.raises(StudyError, match=r"channel\.heaviest: a client has \d+ samples"):
        next(run(asked, out=folder))
    assert not (folder / "cells.jsonl").exists()
    assert not (folder / "study.lock.toml").exists()
