"""The catalogue names a licence for everything, and every file and array is what it says."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from qfl.core.errors import ConfigError, DataError, UnknownNameError
from qfl.core.registry import load
from qfl.data import DATASETS, catalog, fsdd, intents, landsat, mnist, motion
from qfl.data.catalog import (
    arrays_of,
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


def flipped(path):
    """One bit of the compressed arrays is another."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncated(path):
    """A download that was cut off."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def renamed(path):
    """An array has another name."""
    with np.load(path) as file:
        np.savez_compressed(path, **{f"{name}_": file[name] for name in file.files})


def shifted(path):
    """Labels are one place off: as well-formed as the true ones."""
    with np.load(path) as file:
        arrays = dict(file)
    label = "y" if "y" in arrays else "digit"
    np.savez_compressed(path, **{**arrays, label: np.roll(arrays[label], 1)})


DAMAGE = {flipped: "cannot be read", truncated: "cannot be read", renamed: "cannot be read",
          shifted: "holds other values"}  # fmt: skip


@pytest.fixture
def patches(tmp_path, monkeypatch):
    """QFL_DATA with a little Landsat that the catalogue says is the set; its file."""
    rng = np.random.default_rng(0)
    path = tmp_path / "landsat" / "statlog_landsat.npz"
    path.parent.mkdir()
    x = rng.integers(0, 256, (4500, 36)).astype(np.uint8)
    np.savez_compressed(path, x=x, y=rng.integers(0, 6, len(x)).astype(np.uint8))
    row = replace(
        entry("landsat"),
        arrays=fingerprint(landsat.read(path.parent)),
        files={path.name: file_sha256(path)},
    )
    monkeypatch.setenv("QFL_DATA", str(tmp_path))
    monkeypatch.setattr(catalog, "entry", lambda id: row)
    return path


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_set_is_refused_with_the_file_and_the_remedy(patches, damage):
    assert len(landsat.Landsat().load().samples) == 4500
    damage(patches)
    wrong = f"{re.escape(str(patches))} {DAMAGE[damage]}.*qfl data fetch landsat"
    with pytest.raises(DataError, match=wrong):
        landsat.Landsat().load()


def test_the_same_arrays_in_another_file_are_the_same_set(patches):
    with np.load(patches) as file:
        arrays = dict(file)
    np.savez(patches, **arrays)
    assert len(landsat.Landsat().load().samples) == 4500


def test_a_set_that_cannot_be_fetched_names_its_source(patches, monkeypatch):
    monkeypatch.setattr(catalog, "entry", lambda id: replace(catalogue()["pjm_hourly"], id=id))
    with pytest.raises(DataError, match=r"get it again.*kaggle\.com"):
        landsat.Landsat().load()


@pytest.mark.golden
@pytest.mark.parametrize("id", WITH_READER)
def test_no_real_file_cut_off_trains_anybody(id, tmp_path, monkeypatch):
    shutil.copytree(real(id), tmp_path / id)
    monkeypatch.setenv("QFL_DATA", str(tmp_path))
    read = load(entry(id).reader)
    assert arrays_of(id, read).keys()
    for name in entry(id).files:
        for path in (tmp_path / id).rglob(name):
            truncated(path)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / id))):
        arrays_of(id, read)
