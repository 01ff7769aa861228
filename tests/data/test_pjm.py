"""Loads of a grid: windows without holes."""

import numpy as np

from qfl.data import pjm
from tests.data.distributions import folders, same


def test_windows_with_missing_hours_are_left_out(given):
    raw = {}
    for zone in pjm.ZONES:
        hours = np.delete(np.arange(1200), [130, 700]).astype(np.int32)
        raw |= {
            f"{zone}_t0": np.array(["2016-01-01T00"], "datetime64[h]"),
            f"{zone}_hour": hours,
            f"{zone}_mw": (100 + hours % 24).astype(np.float32),
        }
    given(pjm, raw)
    data = pjm.PjmHourly(stride=100).load()
    kept = [s for s in range(0, 1200 - 119, 100) if not {130, 700} & set(range(s, s + 120))]
    assert len(data.samples) == 11 * len(kept)
    assert kept[0] == 0
    assert data.samples.targets["peak"][0] == 3  # the load grows over the day
    assert data.samples.inputs["calendar"][0].tolist() == [5, 0]  # Tuesday in January


def test_pjm(tmp_path):
    official, repack = folders(tmp_path)
    arrays = {}
    for zone in pjm.ZONES:
        rows = ["2016-01-01 02:00:00,30.0", "2016-01-01 00:00:00,10.0", "2016-01-01 05:00:00,50.0"]
        rows += ["2016-01-01 02:00:00,31.0"]
        (official / f"{zone}_hourly.csv").write_text("\n".join([f"Datetime,{zone}_MW", *rows]))
        arrays |= {
            f"{zone}_t0": np.array(["2016-01-01T00"], "datetime64[h]"),
            f"{zone}_hour": np.array([0, 2, 5], np.int32),
            f"{zone}_mw": np.array([10, 30, 50], np.float32),
        }
    np.savez(repack / "pjm_hourly.npz", **arrays)
    same(dict(pjm.read(official)), dict(pjm.read(repack)))
