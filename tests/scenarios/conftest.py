"""A small set of made-up clips and pictures in the form of the real files."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.data import catalog, fsdd, mnist

TAKES, SPEAKERS, DIGITS = 10, 6, 10


@pytest.fixture
def made_up_av(tmp_path, monkeypatch):
    """QFL_DATA with 600 clips of noise, 300 of them official tests, and pictures to go with; the
    catalogue says that these are the sets."""
    rng = np.random.default_rng(0)
    digit, rest = np.divmod(np.arange(DIGITS * SPEAKERS * TAKES), SPEAKERS * TAKES)
    speaker, index = np.divmod(rest, TAKES)
    names = np.array(["george", "jackson", "lucas", "nicolas", "theo", "yweweler"])
    (tmp_path / "fsdd").mkdir()
    np.savez(
        tmp_path / "fsdd" / "fsdd_8khz_int16.npz",
        pcm=rng.integers(-3000, 3000, len(digit) * 300).astype(np.int16),
        offset=np.arange(len(digit) + 1) * 300,
        digit=digit.astype(np.uint8),
        speaker=names[speaker],
        index=index.astype(np.uint8),
    )
    (tmp_path / "mnist").mkdir()
    np.savez(
        tmp_path / "mnist" / "mnist_70k_uint8.npz",
        **{
            f"{part}_{split}": rng.integers(0, 256, (400, 28, 28)).astype(np.uint8)
            if part == "x"
            else (np.arange(400) % 10).astype(np.uint8)
            for part in "xy"
            for split in ("train", "test")
        },
    )
    monkeypatch.setenv("QFL_DATA", str(tmp_path))
    known = {
        id: replace(catalog.entry(id), arrays=catalog.fingerprint(read(tmp_path / id)))
        for id, read in (("fsdd", fsdd.read), ("mnist", mnist.read))
    }
    monkeypatch.setattr(catalog, "entry", lambda id: known.get(id) or catalog.catalogue()[id])
