"""Dot plots: a dot is a seed, a bar is the interval, and percentages differ by points."""

from dataclasses import replace

import pytest

from qfl.report.charts import dotplots
from qfl.report.deciding.published import Published

DIGITS = 5e-5
"""Half of the last of the five digits that columns keep."""


def rows(columns):
    lines = zip(*columns.values(), strict=True)
    return [dict(zip(columns, line, strict=True)) for line in lines]


def final(analysis, name="digit.accuracy"):
    return [s for s in analysis.summaries if s.outcome.metric.name == name]


def test_a_dot_is_a_seed_and_the_bar_its_methods_interval(analysis):
    summaries = final(analysis)
    figure = dotplots.interval_figure(summaries, analysis.styles)
    drawn = {row["method"]: row for row in rows(figure.data["mean"])}
    for summary in summaries:
        row, interval = drawn[summary.method], summary.interval
        wanted = (interval.low, interval.estimate, interval.high)
        assert (row["low"], row["x"], row["high"]) == pytest.approx(wanted, rel=DIGITS)
        dots = [r for r in rows(figure.data["seeds"]) if r["method"] == summary.method]
        shown = {int(dot["seed"]): dot["x"] for dot in dots}
        assert shown == pytest.approx(dict(summary.values), rel=DIGITS)


def test_an_interval_that_nobody_knows_is_drawn_as_its_estimate(analysis):
    [first, *_] = final(analysis)
    unknown = replace(first.interval, low=float("nan"), high=float("nan"))
    figure = dotplots.interval_figure([replace(first, interval=unknown)], analysis.styles)
    [row] = rows(figure.data["mean"])
    assert row["low"] == row["x"] == row["high"]


def test_too_many_seeds_are_not_drawn_one_by_one(analysis, monkeypatch):
    monkeypatch.setattr(dotplots, "MOST_DOTS", 41)
    figure = dotplots.interval_figure(final(analysis), analysis.styles)
    assert rows(figure.data["seeds"]) == []
    assert len(rows(figure.data["mean"])) == 7


def test_differences_of_percentages_are_points(analysis):
    family = next(f for f in analysis.families if f.name == "descriptive")
    found = [d for d in family.differences if d.outcome.metric.name == "digit.accuracy"]
    figure = dotplots.differences_figure(found, key="k", title="t")
    for row, difference in zip(rows(figure.data["mean"]), found, strict=True):
        assert row["x"] == pytest.approx(100 * difference.interval.estimate, rel=DIGITS)
        assert row["text"].endswith(" points")
    pairs = sum(len(difference.pairs) for difference in found)
    assert len(rows(figure.data["seeds"])) == pairs > 0


def test_what_was_published_and_what_was_simulated_are_apart():
    device = Published("ibm_x", "2026-02", (0.7, 0.8), None)
    figure = dotplots.published_figure([("ten", device, None)])
    assert [row["x"] for row in rows(figure.data["published"])] == [0.7, 0.8]
    assert {row["device"] for row in rows(figure.data["published"])} == {"ibm_x 2026-02"}
    assert rows(figure.data["mean"]) == []
