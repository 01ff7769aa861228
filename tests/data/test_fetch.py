"""A fetch leaves verified data or nothing."""

import io
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from qfl.core.errors import ConfigError, MissingExtraError
from qfl.data import catalog, landsat
from qfl.data import fetch as fetching
from qfl.data.catalog import catalogue, fingerprint
from qfl.data.fetch import fetch

TABLE = "\n".join(" ".join(map(str, [*range(36), label])) for label in (1, 7)).encode()


def archive(table=TABLE):
    """A zip with a zip inside, as some sources have it."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("sat.trn", table)
        file.writestr("sat.tst", table)
    with zipfile.ZipFile(outer, "w") as file:
        file.writestr("inner.zip", inner.getvalue())
    return outer.getvalue()


@pytest.fixture
def expected(tmp_path, monkeypatch):
    """A cache in a temporary folder, and a catalogue that knows the little Landsat made here."""
    for part in ("trn", "tst"):
        (tmp_path / f"sat.{part}").write_bytes(TABLE)
    arrays = fingerprint(landsat.read(tmp_path))
    row = replace(catalogue()["landsat"], arrays=arrays, files={})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "entry", lambda id: {"landsat": row}.get(id) or catalog.entry(id))
    return tmp_path / "cache" / "qfl" / "landsat"


def test_archives_are_unpacked_verified_and_kept_with_their_licence(expected):
    path = fetch("landsat", download=lambda address, file: file.write_bytes(archive()))
    assert path == expected
    assert landsat.read(path)["y"].tolist() == [0, 5, 0, 5]
    assert "CC-BY-4.0" in (path / "LICENCE.txt").read_text()
    assert list(path.rglob("*.zip")) == []


def test_a_second_fetch_downloads_nothing_but_verifies(expected):
    fetch("landsat", download=lambda address, file: file.write_bytes(archive()))

    def never(address, file):
        raise AssertionError(address)

    assert fetch("landsat", download=never) == expected
    next(expected.rglob("sat.trn")).write_bytes(TABLE.replace(b"7", b"6"))
    with pytest.raises(ConfigError, match="holds other values"):
        fetch("landsat", download=never)


def test_what_is_not_expected_is_not_kept(expected):
    wrong = archive(TABLE.replace(b"35", b"36"))
    with pytest.raises(ConfigError, match=r"version 1993: .* holds other values"):
        fetch("landsat", download=lambda address, file: file.write_bytes(wrong))
    assert list(expected.parent.iterdir()) == []


def test_an_interrupted_fetch_leaves_nothing(expected):
    def cut(address, file):
        file.write_bytes(b"half")
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        fetch("landsat", download=cut)
    assert list(expected.parent.iterdir()) == []


def test_a_known_file_with_other_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="the catalogue says"):
        fetch("ett", download=lambda address, file: file.write_bytes(b"date,OT\n"))
    assert list((tmp_path / "qfl").iterdir()) == []


def test_sets_behind_an_account_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"kaggle.com.*pjm_hourly"):
        fetch("pjm_hourly")


def test_without_pooch_the_extra_is_named(expected, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"qfl\[data\]"):
        fetch("landsat")


def test_pooch_downloads_over_http(expected, tmp_path, monkeypatch):
    pytest.importorskip("pooch", reason="needs the extra 'data'")
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "set.zip").write_bytes(archive())
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = partial(quiet, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/set.zip"
        row = replace(fetching.entry("landsat"), fetch=(address,))
        monkeypatch.setattr(fetching, "entry", lambda id: row)
        path = fetch("landsat")
        server.shutdown()
    np.testing.assert_array_equal(landsat.read(path)["y"], [0, 5, 0, 5])
