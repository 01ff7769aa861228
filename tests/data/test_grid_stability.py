"""A four-node grid: blocks of columns, and whether it is stable."""

import numpy as np

from qfl.data import grid_stability
from tests.data.distributions import same

RNG = np.random.default_rng(0)


def test_stability_is_read_off_the_last_column(given):
    blocks = {name: RNG.random((3, 4)) for name in ("tau", "p", "g")}
    given(grid_stability, blocks | {"stab": np.zeros(3), "stable": np.array([1, 0, 1])})
    assert grid_stability.GridStability().load().samples.targets["stable"].tolist() == [1, 0, 1]


def test_grid_stability(tmp_path):
    heads = [*grid_stability._BLOCKS["tau"], *(f"p{k}" for k in range(1, 5))]
    heads += [*(f"g{k}" for k in range(1, 5)), "stab", "stabf"]
    cells = [*map(str, range(12)), "-0.5", "stable"]
    (tmp_path / "Data_for_UCI_named.csv").write_text(f"{','.join(heads)}\n{','.join(cells)}\n")
    raw = grid_stability.read(tmp_path)
    assert raw["g"].tolist() == [[8, 9, 10, 11]]
    assert (raw["stab"].tolist(), raw["stable"].tolist()) == ([-0.5], [1])
    longer = ",".join([*(f"{k}.00000000012" for k in range(12)), "-0.50000000001", "stable"])
    (tmp_path / "Data_for_UCI_named.csv").write_text(f"{','.join(heads)}\n{longer}\n")
    same(grid_stability.read(tmp_path), raw)
