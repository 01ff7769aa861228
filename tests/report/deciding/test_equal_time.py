"""At equal time: cheap methods decide again and again, dear ones not at all."""

from dataclasses import replace

import pytest
from deciding_run import decided

from qfl.report.deciding.equal_time import equal_time_table, expected_best
from qfl.report.runs.results import read


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return read(decided(tmp_path_factory.mktemp("runs") / "deciding"))


def timed(results, seconds):
    """Return the results as if one decision of a label took so many seconds."""
    runs = []
    for one in results.runs:
        rounds = tuple(
            replace(record, timings=replace(record.timings, total_seconds=seconds[one.label]))
            for record in one.row.rounds
        )
        runs.append(replace(one, row=replace(one.row, rounds=rounds)))
    return replace(results, runs=tuple(runs))


def test_the_best_of_several_tries():
    assert expected_best([0.2, 0.4, 0.9], 1) == pytest.approx(0.5)
    assert expected_best([0.9, 0.2, 0.4], 2) == pytest.approx((0.2 + 3 * 0.4 + 5 * 0.9) / 9)
    assert expected_best([0.2, 0.9], 1000) == pytest.approx(0.9)
    assert expected_best([0.3], 7) == pytest.approx(0.3)


def test_time_buys_repetitions(results):
    seconds = {"qaoa": 1.0, "random_best": 1.05, "top_k": 0.1, "exact": 5.0}
    table = equal_time_table(timed(results, seconds))
    rows = {row.method: [cell.text for cell in row.cells] for row in table.rows}
    assert "exact" not in rows  # one enumeration takes longer
    assert rows["qaoa, depth 2"][-1] == "–"
    once = {m: cells[1] for m, cells in rows.items()}
    longer = timed(results, {**seconds, "qaoa": 100.0})
    often = {row.method: row.cells[1].text for row in equal_time_table(longer).rows}
    assert float(often["random_best"]) >= float(once["random_best"])
    assert often["exact"] == "1.0000"
    assert often["top_k"] == once["top_k"]  # it never changes its mind
