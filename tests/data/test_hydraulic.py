"""A hydraulic rig: sensors of a cycle, and grades of its parts."""

import numpy as np

from qfl.data import hydraulic

RNG = np.random.default_rng(0)


def test_cycles_have_grades_and_come_in_blocks(given):
    cycles = {name: RNG.random((20, 60)) for name in hydraulic.SENSORS}
    profile = np.tile([[3, 100, 0, 130, 1], [20, 73, 2, 90, 0]], (10, 1))
    given(hydraulic, cycles | {"profile": profile})
    data = hydraulic.Hydraulic().load()
    assert data.samples.targets["cooler"].tolist() == [0, 1] * 10
    assert np.bincount(data.groups["block"]).tolist() == [2] * 10


def test_hydraulic(tmp_path):
    for name in hydraulic.SENSORS:
        (tmp_path / f"{name}.txt").write_text("1.5\t2.5\n3\t4\n")
    (tmp_path / "profile.txt").write_text("3\t100\t0\t130\t1\n20\t73\t2\t90\t0\n")
    assert hydraulic.read(tmp_path)["SE"].tolist() == [[1.5, 2.5], [3, 4]]
    assert hydraulic.read(tmp_path)["profile"][1].tolist() == [20, 73, 2, 90, 0]
