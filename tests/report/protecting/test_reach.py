"""Reach: closed forms of links, and nothing of it where the study does not ask."""

from types import SimpleNamespace

import pytest

from qfl.report.protecting.reach import attacks_table, pads_table, rates_figure
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.reach import BOUND, padded_rate, rates


def results(lock, sums=()):
    records = [SimpleNamespace(sums=[SimpleNamespace(length=n) for n in sums])]
    return SimpleNamespace(lock=lock, runs=[SimpleNamespace(row=SimpleNamespace(rounds=records))])


ASKED = {"reach": {"longest_km": 200.0}}


def test_who_does_not_ask_gets_nothing():
    assert rates_figure(results({})) == ()
    assert pads_table(results({})).rows == ()
    assert attacks_table(results(ASKED)).rows == ()


def test_rates_fall_with_distance_and_stay_beneath_the_bound():
    [figure] = rates_figure(results(ASKED))
    points = figure.data["points"]
    lines = {}
    for x, y, line in zip(points["x"], points["y"], points["line"], strict=True):
        lines.setdefault(line, {})[x] = y
    for name, line in lines.items():
        values = [line[x] for x in sorted(line)]
        assert values == sorted(values, reverse=True), name
        assert all(value <= lines[BOUND][x] for x, value in line.items()), name
    assert max(points["x"]) <= 200.0
    assert lines.keys() <= rates(FibreLink(length_km=1.0)).keys()


def test_a_pad_takes_its_bits_over_the_rate_of_the_link():
    table = pads_table(results(ASKED, sums=(600, 400)))
    rows = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in table.rows}
    assert rows["this study's upload"][0] == "1,000"
    seconds = (32 * 1000 + 256) / padded_rate(FibreLink(length_km=10.0))
    number, unit = rows["this study's upload"][1].split()
    assert float(number) * {"ms": 1e-3, "s": 1.0, "min": 60.0}[unit] == pytest.approx(
        seconds, rel=0.01
    )
    sizes = [int(row[0].replace(",", "")) for row in rows.values() if row[0]]
    assert sizes == sorted(sizes)
