"""Six views of handwritten digits."""

import numpy as np

from qfl.data import mfeat
from tests.data.distributions import folders, same

RNG = np.random.default_rng(0)


def test_every_view_is_a_modality(given):
    raw = {view: RNG.random((4, size)) for view, size in mfeat.VIEWS.items()}
    given(mfeat, raw | {"digit": np.arange(4)})
    assert [m.shape for m in mfeat.Mfeat().load().modalities] == [
        (size,) for size in mfeat.VIEWS.values()
    ]


def test_mfeat(tmp_path):
    official, repack = folders(tmp_path)
    for view, size in mfeat.VIEWS.items():
        table = RNG.normal(size=(20, size)) * 10.0 ** RNG.integers(-2, 4, (20, size))
        np.savetxt(official / f"mfeat-{view}", table, fmt="%.12g")
        rows = [",".join(map(str, range(size + 1)))]
        rows += [",".join([*(f"{x:.5g}" for x in row), str(k // 2)]) for k, row in enumerate(table)]
        (repack / f"mfeat-{view}.csv").write_text("\n".join(rows))
    same(mfeat.read(official), mfeat.read(repack))
    assert mfeat.read(official)["digit"].tolist() == [k // 2 for k in range(20)]
