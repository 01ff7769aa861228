"""Engines: lives are capped, test engines end where they were cut."""

import numpy as np

from qfl.data import cmapss

RNG = np.random.default_rng(0)


def test_lives_are_capped_and_test_engines_end_where_they_were_cut(given):
    def engine(unit, cycles):
        return np.column_stack(
            [np.full(cycles, unit), np.arange(1, cycles + 1), RNG.random((cycles, 24))]
        )

    train = np.concatenate([engine(1, 200), engine(2, 40)])
    given(cmapss, {"train": train, "test": engine(1, 10), "life": np.array([77.0])})
    data = cmapss.Cmapss(stride=8).load()
    life = data.samples.targets["life"]
    assert life.max() == 125
    assert life[data.test_rows].tolist() == [77]
    assert sorted(life[data.groups["engine"] == 1]) == [0, 8]
    assert data.samples.inputs["engine"].shape[1:] == (24, 32)


def test_cmapss(tmp_path):
    for part in ("train", "test"):
        (tmp_path / f"{part}_FD001.txt").write_text(f"1 1 {'0.5 ' * 24} \n")
    (tmp_path / "RUL_FD001.txt").write_text("112\n")
    assert cmapss.read(tmp_path)["test"].shape == (1, 26)
    assert cmapss.read(tmp_path)["life"].tolist() == [112]
