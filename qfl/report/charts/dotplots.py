"""Dot plots as Vega-Lite dicts: an outcome per method, paired differences, published results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qfl.core.metrics import metric
from qfl.report.charts import vega
from qfl.report.charts.datasets import columns
from qfl.report.charts.figures import Figure, slug
from qfl.report.charts.palette import Style
from qfl.report.deciding.published import Published
from qfl.report.statistics.compare import Difference
from qfl.report.statistics.outcomes import Summary
from qfl.report.words import display

MOST_DOTS = 1_000
"""Seeds of one figure beyond which they are not drawn one by one."""


def interval_figure(
    summaries: Sequence[Summary], styles: Sequence[Style], *, caption: str = ""
) -> Figure:
    """Return one outcome per method: mean with interval, and a dot per seed unless too many."""
    measured = summaries[0].outcome.metric
    x = vega.number("x", vega.unit_label(measured), format=vega.tick_format(measured), tickCount=4)
    y = vega.categories(
        "method", [style.method for style in styles], labels=vega.names_expression(styles)
    )
    paint = vega.colour(styles)
    layers = [
        vega.layer(
            "seeds",
            {"type": "point", "filled": True, "size": 20, "yOffset": 8},
            x=x,
            y=y,
            color=paint,
            opacity=vega.when(0.45, vega.DIMMED, vega.OTHER_SEED),
            tooltip=vega.tooltip(("seed", "seed"), ("text", measured.label)),
        ),
        *_point_with_interval(x, y, measured.label, color=paint),
    ]
    return Figure(
        key=f"interval-{slug(measured.name)}",
        title=vega.heading(measured),
        caption=caption,
        kind="still",
        spec=vega.spec(layers, height={"step": 32}),
        data={
            "mean": columns(
                {
                    "method": s.method,
                    "setting": s.setting,
                    "x": s.interval.estimate,
                    "low": _or(s.interval.low, s.interval.estimate),
                    "high": _or(s.interval.high, s.interval.estimate),
                    "text": measured.text(s.interval.estimate),
                }
                for s in summaries
            ),
            "seeds": columns(
                {
                    "method": s.method,
                    "setting": s.setting,
                    "seed": str(seed),
                    "x": value,
                    "text": measured.text(value),
                }
                for s in summaries
                for seed, value in s.values.items()
                if sum(len(each.values) for each in summaries) <= MOST_DOTS
            ),
        },
    )


def differences_figure(found: Sequence[Difference], *, key: str, title: str) -> Figure:
    """Return paired differences: one row per comparison, a dot per seed, a rule at zero."""
    measured = found[0].outcome.metric
    points = measured.format.endswith("%")
    factor = 100.0 if points else 1.0
    x = vega.number("x", "points" if points else vega.unit_label(measured), tickCount=6)
    x = vega.signed(x)
    y = vega.categories("against", [_against(d) for d in found])
    zero = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "stroke": vega.SOFT, "strokeDash": [2, 2]},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    layers = [
        zero,
        vega.layer(
            "seeds",
            {"type": "point", "filled": True, "size": 26, "color": vega.INK, "yOffset": 10},
            x=x,
            y=y,
            opacity=vega.when(0.4, vega.OTHER_SEED),
            tooltip=vega.tooltip(("seed", "seed"), ("text", "difference")),
        ),
        *_point_with_interval(x, y, "difference", color={"value": vega.INK}),
    ]
    names = [{"against": _against(d), "method": d.baseline, "setting": d.setting} for d in found]
    return Figure(
        key=key,
        title=title,
        caption=_difference_caption(found),
        kind="still",
        spec=vega.spec(layers, height={"step": 40}),
        data={
            "mean": columns(
                {
                    **name,
                    "x": factor * d.interval.estimate,
                    "low": factor * _or(d.interval.low, d.interval.estimate),
                    "high": factor * _or(d.interval.high, d.interval.estimate),
                    "text": measured.difference_text(d.interval.estimate),
                }
                for name, d in zip(names, found, strict=True)
            ),
            "seeds": columns(
                {
                    **name,
                    "seed": str(seed),
                    "x": factor * _gap(d, a, b),
                    "text": measured.difference_text(_gap(d, a, b)),
                }
                for name, d in zip(names, found, strict=True)
                for seed, a, b in d.pairs
            ),
        },
    )


def published_figure(found: Sequence[tuple[str, Published, Summary | None]]) -> Figure:
    """Return published device results as hollow diamonds, beside what snapshots gave here."""
    measured = metric("sampled_ratio")
    names = list(dict.fromkeys(f"{each.device} {each.date}".strip() for _, each, _ in found))
    x = vega.number("x", None, format=vega.tick_format(measured), tickCount=6)
    y = vega.categories("device", names)
    layers = [
        vega.layer(
            "published",
            {"type": "point", "shape": "diamond", "size": 90, "color": vega.SOFT, "opacity": 1},
            hideable=False,
            x=x,
            y=y,
            tooltip=vega.tooltip(("text", "published"), ("device", "device")),
        ),
        *_point_with_interval(x, y, "here, on its snapshot", color={"value": vega.INK}),
    ]
    shown = [
        {
            "setting": setting,
            "device": f"{each.device} {each.date}".strip(),
            "x": ratio,
            "text": measured.text(ratio),
        }
        for setting, each, _ in found
        for ratio in dict.fromkeys(each.ratio)
    ]
    mine = [
        {
            "setting": setting,
            "device": f"{each.device} {each.date}".strip(),
            "method": summary.method,
            "x": summary.interval.estimate,
            "low": _or(summary.interval.low, summary.interval.estimate),
            "high": _or(summary.interval.high, summary.interval.estimate),
            "text": measured.text(summary.interval.estimate),
        }
        for setting, each, summary in found
        if summary is not None
    ]
    return Figure(
        key="published",
        title="Real devices as published, and their snapshots here",
        caption="Hollow diamonds were published by others, one run each. Dots with their 95 % "
        "interval are the stored calibration of the same device, simulated here.",
        kind="still",
        spec=vega.spec(layers, height={"step": 26}),
        data={
            "published": columns(shown),
            "mean": columns(mine),
        },
        wide=True,
    )


def _point_with_interval(x: Any, y: Any, title: str, **paint: Any) -> list[vega.Layer]:
    """Return a thick rule from low to high and a point at the estimate."""
    visible = vega.when(1, vega.DIMMED)
    return [
        vega.layer(
            "mean",
            {"type": "rule", "strokeWidth": 2.4},
            x={**x, "field": "low"},
            x2={"field": "high"},
            y=y,
            opacity=visible,
            **paint,
        ),
        vega.layer(
            "mean",
            {"type": "point", "filled": True, "size": 70},
            x=x,
            y=y,
            opacity=visible,
            tooltip=vega.tooltip(("text", title)),
            **paint,
        ),
    ]


def _difference_caption(found: Sequence[Difference]) -> str:
    names = {display(difference.method) for difference in found}
    who = names.pop() if len(names) == 1 else "the first method"
    better = "Right" if found[0].outcome.metric.higher_is_better else "Left"
    return (
        f"{vega.capital(who)} minus the other, on the same federation. A dot is a seed, the bar "
        f"the 95 % interval of the mean. {better} of zero, {who} is better."
    )


def _gap(found: Difference, a: float, b: float) -> float:
    return min(a, found.end) - min(b, found.end)


def _against(found: Difference) -> str:
    return f"{display(found.method)} − {display(found.baseline)}"


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
