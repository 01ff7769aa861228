"""Figures as Vega-Lite dicts, drawn from finished curves, summaries and differences.

No statistics here. Data are columns, not rows, so that field names are embedded once; the page's
script turns them into rows, and so does `with_data` for the SVG files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qfl.core.metrics import Metric, metric
from qfl.report import vega
from qfl.report.compare import Difference
from qfl.report.curves import Curve
from qfl.report.datasets import ROUNDS, Columns, Source, columns, ends_table, resolve
from qfl.report.outcomes import Summary
from qfl.report.palette import Style
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
    """

    key: str
    title: str
    caption: str
    kind: Literal["curve", "still"]
    spec: Mapping[str, Any]
    data: Mapping[str, Columns | Source]
    wide: bool = False


def with_data(figure: Figure, tables: Mapping[str, Columns], *, width: int = 640) -> dict[str, Any]:
    """Return the spec with the data of its first view, for renderers without the page's script."""
    own = {f"{figure.key}/{name}": data for name, data in figure.data.items()}
    tables = {**tables, **{key: data for key, data in own.items() if not isinstance(data, Source)}}
    datasets = {}
    for name, data in figure.data.items():
        source = data if isinstance(data, Source) else Source(f"{figure.key}/{name}")
        datasets[name] = resolve(source, tables, axis="round")
    return {**figure.spec, "datasets": datasets, "width": width, "title": figure.title}


def curve_figure(
    curves: Sequence[Curve],
    styles: Sequence[Style],
    *,
    caption: str = "",
    target: float | None = None,
    wide: bool = False,
) -> Figure:
    """Return learning curves of all methods; bands for the headline pair or the one in focus."""
    measured = metric(curves[0].metric)
    x = vega.number("x", "round", tickCount=6)
    x["scale"]["nice"] = False
    y = vega.number("y", vega.axis_label(measured), format=vega.tick_format(measured))
    paint, strokes = vega.colour(styles), vega.dash(styles)
    fine = vega.tick_format(measured, fine=True)
    strong = [style.method for style in styles if style.strong]
    shown = f"focus ? datum.method === focus : indexof({strong!r}, datum.method) >= 0"
    layers = [
        vega.layer(
            "band",
            {"type": "area", "interpolate": "monotone", "line": False},
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
            color=paint,
            opacity=vega.when(0, {"test": shown, "value": 0.14}),
        ),
        vega.layer(
            "lines",
            {"type": "line", "strokeWidth": 0.8},
            x=x,
            y=y,
            color=paint,
            detail={"field": "seed", "type": "nominal"},
            opacity=vega.when(
                0,
                {"test": "seed && datum.seed !== seed", "value": 0},
                {"test": f"seeds || seed || ({shown})", "value": 0.38},
            ),
        ),
        vega.layer(
            "band",
            {"type": "line", "interpolate": "monotone", "strokeCap": "butt"},
            x=x,
            y=y,
            color=paint,
            strokeDash=strokes,
            strokeWidth=vega.when(1.5, {"test": shown, "value": 2.6}),
            opacity=vega.when(1, vega.DIMMED),
        ),
        vega.layer(
            "band",
            {"type": "point", "filled": True, "size": 90},
            x=x,
            y=y,
            opacity={"value": 0},
            tooltip=[
                {"field": "method", "type": "nominal"},
                {"field": "x", "type": "quantitative", "title": "round", "format": ".3~s"},
                *(
                    {"field": field, "type": "quantitative", "title": title, "format": fine}
                    for field, title in (("y", "value"), ("low", "from"), ("high", "to"))
                ),
            ],
        ),
        _end_labels(x, y, paint),
    ]
    if target is not None:
        layers.insert(0, _target(target, measured))
    return Figure(
        key=f"curve-{_slug(measured.name)}",
        title=vega.capital(measured.label),
        caption=caption,
        kind="curve",
        spec=vega.spec(layers, height=360 if wide else 250),
        data={
            "band": Source(measured.name),
            "lines": Source(ROUNDS, y=measured.name),
            "ends": ends_table(curves),
        },
        wide=wide,
    )


def seeds_figure(measured: Metric, style: Style, *, baseline: str) -> Figure:
    """Return one method's seeds as thin lines with their mean, before the baseline's mean."""
    x = vega.number("x", None, tickCount=4)
    x["scale"]["nice"] = False
    y = vega.number("y", None, format=vega.tick_format(measured), tickCount=4)
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
        key=f"seeds-{_slug(style.method)}",
        title=display(style.method),
        caption="",
        kind="curve",
        spec=vega.spec(layers, height=120),
        data={
            "reference": Source(measured.name, methods=(baseline,)),
            "band": Source(measured.name, methods=(style.method,)),
            "lines": Source(ROUNDS, y=measured.name, methods=(style.method,)),
        },
    )


def interval_figure(
    summaries: Sequence[Summary], styles: Sequence[Style], *, caption: str = ""
) -> Figure:
    """Return one outcome per method: mean with interval, and a dot per seed."""
    measured = summaries[0].outcome.metric
    x = vega.number("x", vega.axis_label(measured), format=vega.tick_format(measured), tickCount=4)
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
        key=f"interval-{_slug(measured.name)}",
        title=vega.capital(measured.label),
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
            ),
        },
    )


def differences_figure(
    found: Sequence[Difference], *, key: str, title: str, caption: str = ""
) -> Figure:
    """Return paired differences: one row per comparison, a dot per seed, a rule at zero."""
    measured = found[0].outcome.metric
    points = measured.format.endswith("%")
    factor = 100.0 if points else 1.0
    unit = " (points)" if points else f" ({measured.unit})" if measured.unit else ""
    names = [_against(d) for d in found]
    x = vega.number("x", f"difference in {measured.label}{unit}", tickCount=6, format="+~g")
    y = vega.categories("against", names)
    zero = {
        "data": {"values": [{"x": 0}]},
        "mark": {"type": "rule", "stroke": vega.SOFT, "strokeDash": [2, 2]},
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    dots = [(d, seed, _gap(d, a, b)) for d in found for seed, a, b in d.pairs]
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
    return Figure(
        key=key,
        title=title,
        caption=caption,
        kind="still",
        spec=vega.spec(layers, height={"step": 40}),
        data={
            "mean": columns(
                {
                    "against": _against(d),
                    "method": d.baseline,
                    "setting": d.setting,
                    "x": factor * d.interval.estimate,
                    "low": factor * _or(d.interval.low, d.interval.estimate),
                    "high": factor * _or(d.interval.high, d.interval.estimate),
                    "text": measured.difference_text(d.interval.estimate),
                }
                for d in found
            ),
            "seeds": columns(
                {
                    "against": _against(d),
                    "method": d.baseline,
                    "setting": d.setting,
                    "seed": str(seed),
                    "x": factor * gap,
                    "text": measured.difference_text(gap),
                }
                for d, seed, gap in dots
            ),
        },
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


def _target(target: float, measured: Metric) -> vega.Layer:
    """Return a dashed rule at the target with its label."""
    channel = {"field": "y", "type": "quantitative"}
    return {
        "data": {"values": [{"y": target, "text": f"target {measured.text(target)}"}]},
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


def _end_labels(x: Any, y: Any, paint: Any) -> vega.Layer:
    """Return the names at the right ends of the curves, already moved apart."""
    return vega.layer(
        "ends",
        {"type": "text", "align": "left", "dx": 8, "fontSize": 11.5, "clip": False},
        x=x,
        y=y,
        color=paint,
        text={"field": "name", "type": "nominal"},
        opacity=vega.when(1, vega.DIMMED),
    )


def _gap(found: Difference, a: float, b: float) -> float:
    return min(a, found.end) - min(b, found.end)


def _against(found: Difference) -> str:
    name = f"minus {display(found.baseline)}"
    return f"{found.setting}: {name}" if found.setting else name


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
