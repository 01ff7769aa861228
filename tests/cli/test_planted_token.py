"""A planted token is in nothing that is left behind: records, logs, exceptions, reports."""

import logging
import sys
import traceback

import pytest
from loopback import DEVICE, TOKEN
from machine_fixtures import cloud, connected

import qfl.report
from qfl.backends import get_backend
from qfl.cli import main
from qfl.core.errors import QflError
from qfl.report.deciding.places import raw_pairs
from qfl.report.runs.results import read
from qfl.study.folder import toml
from tests.backends.instances import k_of_n

__all__ = ["cloud", "connected"]


@pytest.fixture
def study(here):
    """An instance of four clients on the machine, raw and with wrong readings undone."""
    circuit = {"mixer": "xy_ring", "schedule": "transfer", "depth": 1, "shots": 64}
    place = {"backend": f"ibm:{DEVICE}", "backend_options": {"level": 0}}
    raw = {"label": "raw", "solver": "qaoa", **place, **circuit}
    mitigated = {**raw, "label": "mitigated", "backend": "mitigation:readout"}
    settings = {
        "name": "planted",
        "title": "Planted",
        "question": "Where is the token?",
        "hypothesis": "Nowhere.",
        "seeds": 1,
        "decision": {"problem": "client_selection", "clients": 4, "choose": 2},
        "methods": [raw, {**mitigated, "backend_options": place}],
        "headline": {"metric": "sampled_ratio", "method": "mitigated", "baseline": "raw"},
    }
    path = here / "planted.toml"
    path.write_text(toml(settings))
    return path


def qfl_says(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["qfl", *map(str, arguments)])
    with pytest.raises(SystemExit):
        main()
    return "".join(capsys.readouterr())


def test_a_planted_token_is_found_nowhere(here, study, cloud, monkeypatch, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    cloud.expired = True
    said.append(qfl_says(monkeypatch, capsys, "run", study, "--jobs", 1))
    assert "does not accept the credentials" in said[0]
    with pytest.raises(QflError) as caught:
        get_backend(f"ibm:{DEVICE}").compile(k_of_n(4, 2, "xy_ring", 1))
    said.append("".join(traceback.format_exception(caught.value)))
    cloud.expired, cloud.mood = False, "failed"
    said.append(qfl_says(monkeypatch, capsys, "run", study, "--jobs", 1))
    cloud.mood = "done"
    said += [
        qfl_says(monkeypatch, capsys, *words)
        for words in (
            ("fetch", "planted", "--forget", "all"),
            ("run", study, "--jobs", 1),
            ("status", "planted"),
            ("doctor",),
        )
    ]
    folder = here / "runs/planted"
    page = qfl.report.write(folder)
    results = read(folder)
    assert len(results.runs) == 2, said
    assert raw_pairs(results) == (("mitigated", "raw"),)
    assert DEVICE in page.html.read_text()  # the calibration of the machine is in the report
    assert list((folder / "calibration").glob("*.json"))
    texts = {path: path.read_text(errors="ignore") for path in here.rglob("*") if path.is_file()}
    assert {path.suffix for path in texts} >= {".html", ".md", ".csv", ".tex", ".svg", ".jsonl"}
    leaks = [str(path) for path, text in texts.items() if TOKEN in text]
    assert leaks == []
    assert not any(TOKEN in text for text in said)
    assert TOKEN not in caplog.text
