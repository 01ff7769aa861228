"""The catalogue names a licence for everything, and every file and array is what it says."""

import os
import re
import subprocess
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.registry import load
from qfl.data import DATASETS, fsdd, intents, landsat, mnist, motion
from qfl.data.catalog import (
    catalogue,
    entry,
    file_sha256,
    fingerprint,
    folder,
    require_folder,
    roots,
)

ROOT = Path(__file__).parents[2]
WITH_READER = sorted(id for id, row in catalogue().items() if row.reader)


def real(id):
    """The folder of a set, or a skip that says how to get it."""
    path = folder(id) if os.environ.get("QFL_DATA") else None
    if path is None:
        pytest.skip(f"{id} is not in QFL_DATA; qfl data fetch {id}")
    return path


@pytest.mark.parametrize("id", catalogue())
def test_every_entry_is_complete(id):
    row = entry(id)
    assert all((row.title, row.version, row.licence, row.citation, row.source, row.note))
    assert all(re.fullmatch("[0-9a-f]{64}", known) for known in row.files.values())
    assert bool(row.reader) == bool(row.arrays)
    assert all(address.startswith("https://") for address in row.fetch)


def test_every_data_set_of_files_is_in_the_catalogue_and_read_by_its_entry():
    made_here = {"digits", "synthetic", "av_digits"}
    assert set(DATASETS.rows) - made_here == set(WITH_READER)
    for id in WITH_READER:
        assert callable(load(entry(id).reader))
        module = DATASETS.rows[id].target.partition(":")[0]
        assert entry(id).reader.startswith(f"{module}:")


@pytest.mark.golden
@pytest.mark.parametrize("id", catalogue())
def test_real_files_hash_to_what_the_catalogue_says(id):
    path = real(id)
    known = entry(id).files
    assert {
        file.name: file_sha256(file) for file in path.rglob("*") if file.name in known
    }.items() <= known.items()


@pytest.mark.golden
@pytest.mark.parametrize("id", WITH_READER)
def test_real_arrays_have_the_fingerprint_of_the_catalogue(id):
    assert fingerprint(load(entry(id).reader)(real(id))) == entry(id).arrays


def test_the_environment_comes_before_the_cache(tmp_path, monkeypatch):
    named, cache = tmp_path / "named", tmp_path / "cache"
    monkeypatch.setenv("QFL_DATA", str(named))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    assert roots() == (named, cache / "qfl")
    for path in (cache / "qfl" / "landsat", named / "landsat"):
        path.mkdir(parents=True)
        assert folder("landsat") is None or folder("landsat") != path
        (path / "sat.trn").write_text("x")
        assert folder("landsat") == path


def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("QFL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="qfl data fetch mnist"):
        require_folder("mnist")
    with pytest.raises(UnknownNameError, match="did you mean 'mnist'"):
        folder("mnits")


def test_a_fingerprint_sees_names_shapes_types_and_values():
    base = {"a": np.arange(6), "b": np.zeros(2, np.float32)}
    variants = [
        {"a": np.arange(6).reshape(2, 3), "b": base["b"]},
        {"a": np.arange(6, dtype=np.int32), "b": base["b"]},
        {"c": np.arange(6), "b": base["b"]},
        {"a": np.arange(1, 7), "b": base["b"]},
    ]
    assert len({fingerprint(raw) for raw in [base, *variants]}) == 5
    swapped = {"b": base["b"], "a": base["a"].astype(">i8")}
    assert fingerprint(swapped) == fingerprint(base)


def test_no_data_file_is_tracked_or_packed():
    names = {name for row in catalogue().values() for name in row.files}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = {Path(line).name for line in listed.stdout.splitlines()}
    assert tracked & names == set()
    packed = import_module("tomllib").loads((ROOT / "pyproject.toml").read_text())
    globs = packed["tool"]["setuptools"]["package-data"]["*"]
    assert not any(glob.endswith((".npz", ".csv", ".gz", ".txt", "*")) for glob in globs)


def test_a_folder_without_the_files_says_what_it_lacks(tmp_path):
    for reader in (mnist.read, fsdd.read, landsat.read, motion.read, intents.read_snips):
        with pytest.raises(ConfigError, match="fetch the set again"):
            reader(tmp_path)
