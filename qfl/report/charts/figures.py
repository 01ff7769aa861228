"""Figures as Vega-Lite dicts, and learning curves among them, drawn from finished tables.

No statistics here. Data are columns, not rows, so that field names are embedded once; the page's
script turns them into rows, and so does `with_data` for the SVG files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qfl.core.metric import Metric
from qfl.core.metrics import metric
from qfl.report.charts import vega
from qfl.report.charts.datasets import ROUNDS, Columns, Source, ends_table, resolve
from qfl.report.charts.palette import Style
from qfl.report.statistics.curves import MOST_POINTS, Curve
from qfl.report.words import display


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        key: names the element on the page and the SVG file.
        kind: a "curve" follows the axis, spread and seed switches; a "still" does not.
        spec: Vega-Lite without data.
        data: data set -> its own columns, or the shared table they come from.
        wide: takes the whole measure.
        method: the one method it is about, or "".
    """

    key: str
    title: str
    caption: str
    kind: Literal["curve", "still"]
    spec: Mapping[str, Any]
    data: Mapping[str, Columns | Source]
    wide: bool = False
    method: str = ""


def with_data(
    figure: Figure, tables: Mapping[str, Columns], *, setting: str = ""
) -> dict[str, Any]:
    """Return the spec with the data of one setting, for renderers without the page's script."""
    own = {f"{figure.key}/{name}": data for name, data in figure.data.items()}
    tables = {**tables, **{key: data for key, data in own.items() if not isinstance(data, Source)}}
    datasets = {}
    for name, data in figure.data.items():
        source = data if isinstance(data, Source) else Source(f"{figure.key}/{name}")
        hidden = name == "lines" and "ends" in figure.data
        datasets[name] = [] if hidden else resolve(source, tables, axis="round", setting=setting)
    title = f"{figure.title}, {display(setting)}" if setting else figure.title
    return {**figure.spec, "datasets": datasets, "width": 640, "title": title}


def curve_figure(
    curves: Sequence[Curve],
    styles: Sequence[Style],
    *,
    target: float | None = None,
    wide: bool = False,
) -> Figure:
    """Return learning curves of all methods; bands for the headline pair or the one in focus."""
    measured = metric(curves[0].metric)
    x = vega.number("x", "Round", nice=False, tickCount=8 if wide else 6)
    y = vega.number("y", None, format=vega.tick_format(measured))
    paint = vega.colour(styles)
    strong = [style.method for style in styles if style.strong]
    shown = f"focus ? datum.method === focus : indexof({strong!r}, datum.method) >= 0"
    layers = [
        _band(x, y, paint, shown),
        _seed_lines(x, y, paint),
        vega.layer(
            "band",
            {"type": "line"},
            x=x,
            y=y,
            color=paint,
            strokeDash=vega.dash(styles),
            strokeWidth=vega.when(1.5, {"test": shown, "value": 2.6}),
            opacity=vega.when(1, vega.DIMMED),
        ),
        _hover(x, y, measured),
        *_names_at_ends(y, paint),
    ]
    if target is not None:
        layers.insert(0, _target(target, measured))
    return Figure(
        key=f"curve-{slug(measured.name)}",
        title=vega.heading(measured),
        caption=_thinned(curves),
        kind="curve",
        spec=vega.spec(layers, height=380 if wide else 250, right=108),
        data={
            "band": Source(measured.name),
            "lines": Source(ROUNDS, y=measured.name),
            "ends": ends_table(curves),
        },
        wide=wide,
    )


def seeds_figure(
    measured: Metric, style: Style, *, baseline: str, span: tuple[float, float]
) -> Figure:
    """Return one method's seeds as thin lines with their mean, before the baseline's mean.

    Args:
        span: least and greatest value over all methods, so that panels share their y axis.
    """
    x = vega.number("x", None, nice=False, tickCount=4)
    y = vega.number("y", None, format=vega.tick_format(measured), tickCount=3)
    y["scale"] = {"domain": list(span), "nice": True}
    own = vega.colour([style])
    layers = [
        vega.layer(
            "reference",
            {"type": "line", "stroke": vega.SOFT, "strokeDash": [3, 3], "strokeWidth": 1.2},
            hideable=False,
            x=x,
            y=y,
        ),
        vega.layer(
            "lines",
            {"type": "line", "strokeWidth": 0.9},
            x=x,
            y=y,
            color=own,
            detail={"field": "seed", "type": "nominal"},
            opacity=vega.when(0.5, vega.OTHER_SEED),
            tooltip=vega.tooltip(("seed", "seed")),
        ),
        vega.layer("band", {"type": "line", "strokeWidth": 2.2}, x=x, y=y, color=own),
    ]
    return Figure(
        key=f"seeds-{slug(style.method)}",
        title=display(style.method),
        caption="",
        kind="curve",
        spec=vega.spec(layers, height=120),
        data={
            "reference": Source(measured.name, methods=(baseline,)),
            "band": Source(measured.name, methods=(style.method,)),
            "lines": Source(ROUNDS, y=measured.name, methods=(style.method,)),
        },
        method=style.method,
    )


def _band(x: Any, y: Any, paint: Any, shown: str) -> vega.Layer:
    return vega.layer(
        "band",
        {"type": "area"},
        x=x,
        y={**y, "field": "low"},
        y2={"field": "high"},
        color=paint,
        opacity=vega.when(0, {"test": f"!seeds && ({shown})", "value": 0.14}),
    )


def _seed_lines(x: Any, y: Any, paint: Any) -> vega.Layer:
    return vega.layer(
        "lines",
        {"type": "line", "strokeWidth": 1},
        x=x,
        y=y,
        color=paint,
        detail={"field": "seed", "type": "nominal"},
        opacity=vega.when(
            0,
            {"test": "seed && datum.seed !== seed", "value": 0},
            {"test": "focus && datum.method !== focus", "value": 0.06},
            {"test": "seed", "value": 1},
            {"test": "seeds", "value": 0.45},
        ),
    )


def _names_at_ends(y: Any, paint: Any) -> list[vega.Layer]:
    """Return each method's name right of the plot, joined to the end of its curve."""
    visible = vega.when(1, vega.DIMMED)
    return [
        vega.layer(
            "ends",
            {"type": "rule", "strokeWidth": 0.8},
            x={"value": {"expr": "width + 1"}},
            x2={"value": {"expr": "width + 14"}},
            y=y,
            y2={"field": "label"},
            color=paint,
            opacity=visible,
        ),
        vega.layer(
            "ends",
            {"type": "text", "align": "left", "fontSize": 11.5},
            x={"value": {"expr": "width + 18"}},
            y={**y, "field": "label"},
            color=paint,
            text={"field": "name", "type": "nominal"},
            opacity=visible,
        ),
    ]


def _hover(x: Any, y: Any, measured: Metric) -> vega.Layer:
    """Return invisible points that carry the tooltips."""
    fine = vega.tick_format(measured, fine=True)
    numbers = (("y", "value"), ("low", "from"), ("high", "to"))
    return vega.layer(
        "band",
        {"type": "point", "filled": True, "size": 90},
        x=x,
        y=y,
        opacity={"value": 0},
        tooltip=[
            {"field": "method", "type": "nominal"},
            {"field": "x", "type": "quantitative", "title": "at", "format": ".3~s"},
            *(
                {"field": field, "type": "quantitative", "title": title, "format": fine}
                for field, title in numbers
            ),
        ],
    )


def _target(target: float, measured: Metric) -> vega.Layer:
    """Return a dashed rule at the target with its label."""
    channel = {"field": "y", "type": "quantitative"}
    return {
        "data": {"values": [{"y": target, "text": f"target {measured.short(target)}"}]},
        "layer": [
            {
                "mark": {"type": "rule", "stroke": vega.SOFT, "strokeDash": [2, 3]},
                "encoding": {"y": channel},
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "bottom",
                    "dy": -4,
                    "fontSize": 11,
                    "color": vega.SOFT,
                },
                "encoding": {
                    "x": {"value": 4},
                    "y": channel,
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }


def _thinned(curves: Sequence[Curve]) -> str:
    if not any(curve.thinned for curve in curves):
        return ""
    return f"Thinned to {MOST_POINTS:,} points per curve."


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
