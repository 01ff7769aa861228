"""Slopes over swept numbers: exact where they are known, per seed first, and silent elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
from swept_run import swept

from qfl.core.rng import Streams
from qfl.report.learning.slopes import slope, slopes, slopes_table
from qfl.report.statistics.intervals import student_interval
from qfl.report.writing.analysis import analyse

NOISE = Streams(1)("noise").normal(0, 0.01, size=(6, 20))


def accuracy(method, seed, value):
    """Falls by a point per unit and seed + 1 for QAOA, not at all for random; with noise."""
    fall = 0.01 * (seed + 1) if method == "qaoa" else 0.0
    return {"digit.accuracy": 0.9 - fall * value / 10 + NOISE[seed, value]}


def by_name(found):
    return {(each.method, each.measured.name): each for each in found}


def test_a_slope_is_the_least_squares_one():
    x = np.array([4.0, 6.0, 9.0, 12.0])
    y = NOISE[0, :4]
    assert slope(dict(zip(x, y, strict=True))) == pytest.approx(np.polyfit(x, y, 1)[0])


def test_slopes_are_taken_per_seed_and_then_averaged(tmp_path):
    found = by_name(slopes(swept(tmp_path, accuracy)))
    x = np.array([4, 6, 9, 12])
    for method in ("random", "qaoa"):
        own = [
            np.polyfit(x, [accuracy(method, seed, v)["digit.accuracy"] for v in x], 1)[0]
            for seed in range(6)
        ]
        expected = student_interval(own)
        given = found[method, "digit.accuracy"].interval
        assert (given.estimate, given.low, given.high) == pytest.approx(
            (expected.estimate, expected.low, expected.high)
        )
        assert given.n == 6


def test_the_difference_of_two_methods_is_paired(tmp_path):
    """Both share the noise of a seed, so that their difference is free of it."""
    gap = by_name(slopes(swept(tmp_path, accuracy)))["qaoa minus random", "digit.accuracy"]
    expected = student_interval([-0.001 * (seed + 1) for seed in range(6)])
    assert gap.interval.estimate == pytest.approx(expected.estimate)
    assert gap.interval.low == pytest.approx(expected.low)
    assert gap.span == (4, 12)


def test_a_seed_without_every_value_takes_no_part(tmp_path):
    results = swept(tmp_path, accuracy)
    torn = tuple(
        run for run in results.runs if (run.seed, run.row.cell.labels["pairs"]) != (3, "9")
    )
    found = by_name(slopes(replace(results, runs=torn)))
    assert found["qaoa", "digit.accuracy"].interval.n == 5


def test_what_does_not_change_neither_rises_nor_falls(tmp_path):
    """Uneven steps leave a slope of some 1e-17 by rounding, on all seeds of the same sign."""

    def same(method, seed, value):
        return {"digit.accuracy": 0.9 + 0.003 * seed - (0.01 * value if method == "qaoa" else 0)}

    results = swept(tmp_path, same, values=(0.0, 0.3, 0.5, 0.8))
    rows = {row.method: row.cells[-1].text for row in slopes_table(results).rows}
    assert rows["random"] == "undecided"
    assert rows["qaoa"] == "falls"


def test_two_values_are_a_difference_and_no_slope(tmp_path):
    results = swept(tmp_path, accuracy, values=(4, 12))
    assert slopes(results) == ()
    assert not slopes_table(results).rows


def test_the_table_says_which_way_and_how_much_over_the_range(tmp_path):
    table = analyse(swept(tmp_path, accuracy)).tables["slopes"]
    rows = {row.method: [cell.text for cell in row.cells] for row in table.rows}
    assert rows["qaoa"][-1] == "falls"
    assert rows["random"][-1] == "undecided"
    over, _, method, per_unit, change, seeds, _ = rows["qaoa minus random"]
    assert (over, method, seeds) == ("pairs, 4 to 12", "QAOA minus random", "6")
    assert per_unit.startswith("−0.35 [")
    assert change == "−2.8 points"


def held(value):
    """Every fourth value more, one more modality for the task."""
    modalities = {4: ["image"], 6: ["image"], 9: ["image", "audio"], 12: ["image", "audio"]}
    return {"holdings": {"client-00": {"modalities": modalities[value], "tasks": ["digit"]}}}


def test_pairs_that_come_and_go_are_left_out_of_the_common_score(tmp_path):
    """The digits of images alone fall by a point per unit, whatever all modalities do."""

    def final(method, seed, value):
        alone = {"digit.accuracy@image": 0.9 - 0.01 * value, "digit.accuracy@audio": 0.1 * seed}
        return {**accuracy(method, seed, value), **alone}

    found = by_name(slopes(swept(tmp_path / "sweep", final, first=held)))
    common = found["random", "score"]
    assert common.interval.estimate == pytest.approx(-0.01)
    assert common.measured.label == "score on the pairs held throughout"
    always = by_name(slopes(swept(tmp_path / "same", final, first=lambda value: held(4))))
    assert ("random", "score") not in always
