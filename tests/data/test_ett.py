"""Transformer temperatures: windows that stay in their months."""

import numpy as np

from qfl.data import ett


def test_windows_of_a_forecast_do_not_leave_their_months(given):
    hours = np.arange(ett.TRAIN + ett.VALIDATE + ett.TEST + 500.0)
    given(ett, {site: np.repeat(hours[:, None], 7, axis=1) for site in ("h1", "h2")})
    data = ett.Ett(stride=24).load()
    year = hours[: ett.TRAIN]
    past = data.samples.inputs["load"] * year.std() + year.mean()
    ahead = data.samples.targets["next"] * year.std() + year.mean()
    np.testing.assert_allclose(ahead[:, 0], past[:, -1] + 1, atol=0.1)
    block = data.groups["block"]
    edges = [ett.TRAIN, ett.TRAIN + ett.VALIDATE, ett.TRAIN + ett.VALIDATE + ett.TEST]
    for number, (first, last) in enumerate(zip([0, *edges], edges, strict=False)):
        own = ahead[block == number]
        assert own.min() > first - 0.1
        assert own.max() < last - 0.9
    assert set(block[data.test_rows]) == {2}


def test_ett(tmp_path):
    for site in ("h1", "h2"):
        rows = f"date,{','.join(ett.CHANNELS)}\n2016-07-01 00:00:00,1,2,3,4,5,6,7\n"
        (tmp_path / f"ETT{site}.csv").write_text(rows)
    assert ett.read(tmp_path)["h2"].tolist() == [[1, 2, 3, 4, 5, 6, 7]]
