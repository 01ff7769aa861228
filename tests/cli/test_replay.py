"""`qfl replay` plays a cell as `qfl run` played it."""

import json
from importlib import import_module

import torch


def test_a_cell_is_replayed_on_one_thread(qfl, file, here, monkeypatch):
    """As workers do: on more of them, sums of floats may end in other bits."""
    assert qfl("run", file).code == 0
    [line, *_] = (here / "runs/toy/cells.jsonl").read_text().splitlines()
    played, seen = import_module("qfl.study.run"), []
    ordinary = played.default_play()

    def watched(cell, **options):
        seen.append(torch.get_num_threads())
        return ordinary(cell, **options)

    monkeypatch.setattr(played, "default_play", lambda: watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        replayed = qfl("replay", "toy", json.loads(line)["id"][:10])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert replayed.code == 0, replayed.err
    assert "the same bit for bit" in replayed.err
    assert seen == [1]
