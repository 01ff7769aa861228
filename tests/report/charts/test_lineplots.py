"""Lines along an axis: every point in its place, bars inside the metric's range, names apart."""

import itertools

import numpy as np
import pytest

from qfl.report.charts import lineplots
from qfl.report.charts.palette import Style
from qfl.report.deciding.decisions import Growth, Point
from qfl.report.statistics.intervals import Interval

LOOKS = tuple(Style(f"m{i}", f"#00000{i}", "#ffffff", (i + 1, 1), False) for i in range(3))


def drawn(points, looks=(), name="approximation_ratio"):
    return lineplots.axis_figure(points, looks, name=name, axis="depth", caption="")


def test_the_names_of_many_lines_stay_apart_and_inside_the_plot():
    points = [
        Point(f"m{i}", f"m{i}", "", x, Interval(0.99, 0.9, 1.0, 20, "none"))
        for i in range(30)
        for x in (1.0, 2.0)
    ]
    figure = drawn(points)
    places = sorted(figure.data["ends"]["label"])
    assert 0.9 - 1e-9 < places[0] < places[-1] <= 1.0
    line = 0.1 * 14 / figure.spec["height"]
    assert min(b - a for a, b in itertools.pairwise(places)) == pytest.approx(line, rel=0.01)


def test_bars_end_where_the_metric_does():
    """An interval of a ratio near 1 may reach beyond it; what is drawn may not."""
    points = [Point("a", "m0", "", 1.0, Interval(0.99, 0.95, 1.08, 5, "t"))]
    rows = drawn(points).data["points"]
    assert (rows["low"], rows["y"], rows["high"]) == ([0.95], [0.99], [1.0])


def test_a_family_of_methods_is_one_line_that_looks_like_its_first():
    known = Interval(0.5, 0.4, 0.6, 5, "t")
    points = [Point("family", f"m{i}", "", float(i), known) for i in (2, 1)]
    figure = drawn(points, LOOKS)
    colours = figure.spec["layer"][0]["encoding"]["color"]["scale"]
    assert (colours["domain"], colours["range"]) == (["family"], ["#000001"])
    assert figure.data["points"]["x"] == [1.0, 2.0]


def test_growth_is_drawn_as_it_was_computed():
    growth = Growth("m0", "", np.array([1.0, 10.0]), np.array([0.1, 0.65]))
    rows = lineplots.growth_figure([growth], LOOKS).data["points"]
    assert (rows["x"], rows["y"]) == ([1.0, 10.0], [0.1, 0.65])
    assert rows["text"] == ["10.0 %", "65.0 %"]
