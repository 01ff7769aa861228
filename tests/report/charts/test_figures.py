"""Figures: their numbers are those of the tables, and every spec is one that Vega draws."""

import pytest
import vl_convert

from qfl.report.charts.figures import curve_figure, slug, with_data
from qfl.report.statistics.curves import curves


def test_every_figure_of_a_report_is_drawn(analysis):
    for figure in analysis.figures:
        svg = vl_convert.vegalite_to_svg(with_data(figure, analysis.data))
        assert svg.startswith("<svg"), figure.key
        assert "NaN" not in svg, figure.key


def test_keys_name_files_and_no_two_are_alike(analysis):
    keys = [figure.key for figure in analysis.figures]
    assert len(set(keys)) == len(keys)
    assert all(slug(key) == key for key in keys)


def test_curves_are_those_of_the_shared_tables(analysis):
    figure = next(f for f in analysis.figures if f.key == "curve-digit-accuracy")
    drawn = with_data(figure, analysis.data)["datasets"]
    means = [row for row in drawn["band"] if row["method"] == "qaoa"]
    runs = [run for run in analysis.results.runs if run.method == "qaoa"]
    assert [row["x"] for row in means] == list(range(21))
    for row in means:
        values = [run.row.rounds[int(row["x"])].metrics["digit.accuracy"] for run in runs]
        assert row["y"] == pytest.approx(sum(values) / 6, rel=1e-4)
    assert drawn["lines"] == [], "a file shows means, the page every seed on demand"


def test_a_target_is_one_more_layer_and_is_named(analysis):
    found = curves(analysis.results, "digit.accuracy")
    plain = curve_figure(found, analysis.styles).spec["layer"]
    aimed = curve_figure(found, analysis.styles, target=0.8).spec["layer"]
    assert aimed[1:] == plain
    assert aimed[0]["data"]["values"] == [{"y": 0.8, "text": "target 80 %"}]
