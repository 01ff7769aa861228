"""The fingerprint follows the imports of what plays a cell, and nothing else."""

from pathlib import Path

import pytest

from qfl.study import fingerprint as module
from qfl.study.fingerprint import fingerprint
from qfl.study.grid import cells


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A package `mine` that counts as ours; caches are emptied around the test."""
    package = tmp_path / "mine"
    (package / "deep").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "play.py": "def play(cell):\n    from mine.deep import leaf\n",
        "deep/__init__.py": "",
        "deep/leaf.py": "import json\n",
        "unused.py": "import mine.play\n",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_OURS", ("mine",))
    yield package
    _forget()


def _forget():
    for cached in (module._hash, module._source, module._imports):
        cached.cache_clear()


def marked(study) -> str:
    _forget()
    return fingerprint(cells(study)[0], "mine.play")


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("play.py", True),
        ("deep/leaf.py", True),
        ("deep/__init__.py", True),
        ("__init__.py", True),
        ("unused.py", False),
    ],
)
def test_only_files_that_can_be_imported_count(study, ours: Path, file, counts):
    before = marked(study)
    (ours / file).write_text((ours / file).read_text() + "# edited\n")
    assert (marked(study) != before) is counts


def test_the_cells_own_rows_count(study):
    guess, circuit = cells(study)[:2]
    assert fingerprint(guess, "toys") == fingerprint(circuit, "toys")  # one file holds both
    from qfl.study.fingerprint import _row_modules

    assert set(_row_modules(circuit)) == {"toys"}
