"""Landsat: bands are read as they lie in the file."""

import numpy as np

from qfl.data import landsat
from tests.data.distributions import folders, same


def test_a_band_of_landsat_is_every_fourth_number(given):
    x = np.arange(2 * 36, dtype=np.uint8).reshape(2, 36)
    given(landsat, {"x": x, "y": np.array([0, 5], np.uint8)})
    data = landsat.Landsat().load()
    np.testing.assert_array_equal(data.samples.inputs["red"][0], np.arange(1, 36, 4))


RNG = np.random.default_rng(0)


def test_landsat(tmp_path):
    official, repack = folders(tmp_path)
    x = RNG.integers(0, 256, (6, 36), dtype=np.uint8)
    labels = np.array([1, 2, 3, 4, 5, 7])
    table = np.column_stack([x, labels])
    np.savetxt(official / "sat.trn", table[:4], fmt="%d")
    np.savetxt(official / "sat.tst", table[4:], fmt="%d")
    np.savez(repack / "statlog_landsat.npz", x=x, y=np.arange(6, dtype=np.uint8))
    same(landsat.read(official), landsat.read(repack))
