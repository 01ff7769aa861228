"""The fingerprint follows what a cell can reach, and nothing else."""

from pathlib import Path

import pytest

from qfl.core.cell import Cell
from qfl.study import fingerprint as module
from qfl.study.fingerprint import fingerprint, reached

FILES = {
    "__init__.py": "import mine.unused\n",
    "play.py": "def play(cell):\n    from mine.deep import leaf\n",
    "deep/__init__.py": "import json\n",
    "deep/leaf.py": 'TABLE = "mine.rows:ROWS"\n',
    "rows.py": 'ROWS = {"one": Row("mine.one:One", "x"), "two": Row("mine.two:Two", "y")}\n',
    "one.py": "",
    "two.py": "",
    "unused.py": "import mine.play\n",
}


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A package `mine` that counts as ours; caches are emptied around the test."""
    package = tmp_path / "mine"
    (package / "deep").mkdir(parents=True)
    for name, text in FILES.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_OURS", ("mine",))
    yield package
    _forget()


def _forget():
    for cached in (module._hash, module._source, module._links, module._bytes):
        cached.cache_clear()


def marked(solver: str) -> str:
    _forget()
    return fingerprint(Cell({}, {}, {}, {"name": solver}, {}, 0), "mine.play")


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("play.py", True),
        ("deep/leaf.py", True),
        ("deep/__init__.py", True),
        ("__init__.py", True),
        ("rows.py", True),
        ("one.py", True),
        ("two.py", False),
        ("unused.py", False),
    ],
)
def test_only_files_that_the_cell_can_reach_count(ours: Path, file, counts):
    before = marked("one:with a tail")
    (ours / file).write_text((ours / file).read_text() + "# edited\n")
    assert (marked("one:with a tail") != before) is counts


def test_the_federation_is_followed_from_study_to_simulator():
    _forget()
    found = reached("qfl.study.assemble", frozenset({"digits", "qaoa", "trained", "fedavg"}))
    assert {
        "qfl.federation.round",
        "qfl.federation.fedavg",
        "qfl.scenarios.digits",
        "qfl.data.digits",
        "qfl.solvers.qaoa",
        "qfl.solvers.schedules.trained",
        "circuits.qaoa",
    } <= set(found)
    assert "qfl.solvers.annealing" not in found
    assert "qfl.study" in found
    assert "qfl.study.run" not in found
