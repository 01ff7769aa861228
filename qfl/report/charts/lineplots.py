"""Lines over instances as Vega-Lite dicts: an outcome along an axis, success against samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qfl.core.metric import Metric
from qfl.core.metrics import metric
from qfl.report.charts import vega
from qfl.report.charts.datasets import columns, spread_out
from qfl.report.charts.figures import Figure, slug
from qfl.report.charts.palette import Style
from qfl.report.deciding.decisions import Growth, Point
from qfl.report.statistics.intervals import Interval
from qfl.report.words import display

_NAME = 14
"""Pixels from one line of names to the next."""


def axis_figure(
    points: Sequence[Point], styles: Sequence[Style], *, name: str, axis: str, caption: str
) -> Figure:
    """Return one outcome along one numeric axis, a line per method or family of methods."""
    measured = metric(name)
    paint, dashes = _by_line([(p.line, p.method) for p in points], styles)
    x = vega.number("x", vega.capital(axis.replace("_", " ")), tickMinStep=1, format="~r")
    y = vega.number("y", None, format=vega.tick_format(measured))
    visible = vega.when(1, vega.DIMMED)
    layers = [
        vega.layer(
            "points", {"type": "line"}, x=x, y=y, color=paint, strokeDash=dashes, opacity=visible
        ),
        vega.layer(
            "points",
            {"type": "rule", "strokeWidth": 1.4},
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
            color=paint,
            opacity=visible,
        ),
        vega.layer(
            "points",
            {"type": "point", "filled": True, "size": 34},
            x=x,
            y=y,
            color=paint,
            opacity=visible,
            tooltip=vega.tooltip(("method", "method"), ("text", measured.label)),
        ),
        *_line_names(y, paint),
    ]
    rows = [
        {
            "method": p.method,
            "line": p.line,
            "setting": p.setting,
            "x": p.x,
            "y": p.interval.estimate,
            **_drawn(p.interval, measured),
            "text": measured.text(p.interval.estimate),
        }
        for p in sorted(points, key=lambda p: (p.setting, p.line, p.x))
    ]
    return Figure(
        key=f"{slug(measured.name)}-by-{slug(axis)}",
        title=f"{vega.heading(measured)} by {axis.replace('_', ' ')}",
        caption=caption,
        kind="still",
        spec=vega.spec(layers, height=_height(rows), right=118),
        data={"points": columns(rows), "ends": columns(_ends(rows))},
        wide=True,
    )


def growth_figure(found: Sequence[Growth], styles: Sequence[Style]) -> Figure:
    """Return the chance to have seen the optimum against samples, one line per method."""
    measured = metric("optimum_hit")
    paint, dashes = _by_line([(g.method, g.method) for g in found], styles)
    x = {**vega.number("x", "Samples", format="~s"), "scale": {"type": "log", "nice": False}}
    y = vega.number("y", None, zero=True, format=vega.tick_format(measured))
    layers = [
        vega.layer(
            "points",
            {"type": "line"},
            x=x,
            y=y,
            color=paint,
            strokeDash=dashes,
            opacity=vega.when(1, vega.DIMMED),
            tooltip=vega.tooltip(("method", "method"), ("text", measured.label)),
        ),
        *_line_names(y, paint),
    ]
    rows = [
        {
            "method": g.method,
            "line": g.method,
            "setting": g.setting,
            "x": x,
            "y": y,
            "text": measured.text(y),
        }
        for g in found
        for x, y in zip(g.samples.tolist(), g.chance.tolist(), strict=True)
    ]
    return Figure(
        key="growth",
        title="Optimum seen after so many samples",
        caption="1 − (1 − P)^samples with the exact chance P of one sample, mean over instances. "
        "Solvers whose chance is not known exactly are missing.",
        kind="still",
        spec=vega.spec(layers, height=_height(rows), right=118),
        data={"points": columns(rows), "ends": columns(_ends(rows))},
        wide=True,
    )


def _drawn(interval: Interval, measured: Metric) -> dict[str, float]:
    """Return the ends of the bar, inside the range that the metric can have."""
    if not interval.known:
        return {"low": interval.estimate, "high": interval.estimate}
    least, most = measured.range
    low = interval.low if least is None else max(least, interval.low)
    high = interval.high if most is None else min(most, interval.high)
    return {"low": low, "high": high}


def _by_line(
    lines: Sequence[tuple[str, str]], styles: Sequence[Style]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return colour and dash by line: those of the first of its methods."""
    looks: dict[str, Style] = {}
    for style in styles:
        for line, method in lines:
            if method == style.method:
                looks.setdefault(line, style)
    channel = {"field": "line", "type": "nominal", "legend": None}

    def ranged(values: list[Any]) -> dict[str, Any]:
        return {**channel, "scale": {"domain": list(looks), "range": values}}

    return ranged([s.light for s in looks.values()]), ranged(
        [list(s.dash) or [1, 0] for s in looks.values()]
    )


def _line_names(y: dict[str, Any], paint: dict[str, Any]) -> list[vega.Layer]:
    """Return each line's name right of the plot."""
    return [
        vega.layer(
            "ends",
            {"type": "text", "align": "left", "fontSize": 11},
            x={"value": {"expr": "width + 8"}},
            y={**y, "field": "label"},
            color=paint,
            text={"field": "name", "type": "nominal"},
            opacity=vega.when(1, vega.DIMMED),
        )
    ]


def _pushed(places: list[float], *, edge: float, gap: float, sign: int) -> list[float]:
    """Return places moved back behind `edge`, the upper one for sign 1, still `gap` apart."""
    moved, room = list(places), sign * edge
    for i in sorted(range(len(places)), key=lambda i: -sign * places[i]):
        moved[i] = sign * min(sign * places[i], room)
        room = sign * moved[i] - gap
    return moved


def _height(rows: Sequence[dict[str, Any]]) -> int:
    """Return the pixels that the plot and the names of its lines need."""
    return max(300, _NAME * len({row["line"] for row in rows}))


def _ends(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return where the name of every line goes so that no two overlap."""
    found = []
    for setting in dict.fromkeys(row["setting"] for row in rows):
        here = [row for row in rows if row["setting"] == setting]
        last = {row["line"]: row for row in here}
        most = max(row.get("high", row["y"]) for row in here)
        least = min(row.get("low", row["y"]) for row in here)
        gap = _NAME / _height(rows) * (most - least)
        places = spread_out([row["y"] for row in last.values()], gap=gap)
        places = _pushed(places, edge=most, gap=gap, sign=1)
        places = _pushed(places, edge=least, gap=gap, sign=-1)
        found += [
            {
                "method": row["method"],
                "line": line,
                "setting": setting,
                "name": display(line),
                "label": place,
            }
            for (line, row), place in zip(last.items(), places, strict=True)
        ]
    return found
