"""The Vega-Lite vocabulary of the report: layers, axes, colours and the look they share.

Every spec declares the parameters `hidden` (methods), `focus` (a method), `seed` and `seeds`
(draw every seed), which the filter bar of the page sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qfl.core.metric import Metric
from qfl.report.charts.palette import Style
from qfl.report.words import display

Layer = dict[str, Any]

INK, SOFT, GRID, ALARM = "#44423d", "#76746d", "#e7e5e0", "#b3261e"
DARK = {INK: "#d6d3cc", SOFT: "#a5a29a", GRID: "#2b2e33", ALARM: "#ff8a80", "#bbb8b0": "#55585e"}
"""The same on dark paper."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

VISIBLE = "indexof(hidden, datum.method) < 0"
DIMMED = {"test": "focus && datum.method !== focus", "value": 0.12}
OTHER_SEED = {"test": "seed && datum.seed !== seed", "value": 0.06}


def spec(
    layers: Sequence[Layer], *, height: int | Mapping[str, int], right: int = 8
) -> dict[str, Any]:
    """Return the layered spec with the shared parameters; `right` pixels stay free for names."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "height": height,
        "width": "container",
        "padding": {"left": 4, "top": 8, "right": right, "bottom": 4},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [
            {"name": "hidden", "value": []},
            {"name": "focus", "value": ""},
            {"name": "seed", "value": ""},
            {"name": "seeds", "value": False},
        ],
        "layer": list(layers),
        "config": _CONFIG,
    }


def layer(data: str, mark: Mapping[str, Any], *, hideable: bool = True, **encoding: Any) -> Layer:
    """Return one layer over a named data set; `hideable` layers drop hidden methods."""
    found: Layer = {"data": {"name": data}, "mark": dict(mark), "encoding": encoding}
    if hideable:
        found["transform"] = [{"filter": VISIBLE}]
    return found


def number(
    field: str, title: str | None, *, zero: bool = False, nice: bool = True, **axis: Any
) -> dict[str, Any]:
    """Return a quantitative channel; further arguments go to its axis."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"zero": zero, "nice": nice},
        "axis": axis,
    }


def categories(field: str, order: Sequence[str], *, labels: str = "") -> dict[str, Any]:
    """Return a nominal y channel in the given order, without lines or ticks."""
    axis: dict[str, Any] = {"domain": False, "ticks": False, "labelPadding": 10, "grid": False}
    axis["labelLimit"] = 260
    if labels:
        axis["labelExpr"] = labels
    return {"field": field, "type": "nominal", "sort": list(order), "title": None, "axis": axis}


def colour(styles: Sequence[Style]) -> dict[str, Any]:
    """Return the colour channel of methods."""
    return _scale(styles, [style.light for style in styles])


def dash(styles: Sequence[Style]) -> dict[str, Any]:
    """Return the dash channel of methods."""
    return _scale(styles, [list(style.dash) or [1, 0] for style in styles])


def when(value: float, *conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return an opacity channel: the first condition that holds, else `value`."""
    return {"condition": list(conditions), "value": value}


def signed(channel: dict[str, Any]) -> dict[str, Any]:
    """Return a channel whose axis prints the sign of every value but zero."""
    label = "datum.value === 0 ? '0' : datum.label"
    return {**channel, "axis": {**channel["axis"], "format": "+~f", "labelExpr": label}}


def tooltip(*fields: tuple[str, str]) -> list[dict[str, str]]:
    """Return a tooltip of (field, title) pairs whose values are already text."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in fields]


def names_expression(styles: Sequence[Style]) -> str:
    """Return the Vega expression that prints a method label as prose."""
    table = {style.method: display(style.method) for style in styles}
    return f"({table!r})[datum.value]"


def tick_format(measured: Metric, *, fine: bool = False) -> str:
    """Return the D3 format of an axis of this metric, or a finer one for tooltips."""
    if measured.format.endswith("%"):
        return ".2%" if fine else "~%"
    if measured.format.endswith("s"):
        return ".3~s" if fine else "~s"
    return ".4~g" if fine else "~g"


def heading(measured: Metric) -> str:
    """Return the label with its direction."""
    return f"{capital(measured.label)} {measured.arrow}".strip()


def unit_label(measured: Metric) -> str | None:
    """Return the unit for an axis whose figure already names the metric."""
    return measured.unit or None


def capital(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def _scale(styles: Sequence[Style], values: Sequence[Any]) -> dict[str, Any]:
    return {
        "field": "method",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": [style.method for style in styles], "range": list(values)},
    }


_CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT,
        "titleColor": INK,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": GRID,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    },
    "axisX": {"grid": False, "domain": True, "domainColor": "#bbb8b0", "titleAnchor": "end"},
    "axisY": {"tickCount": 5},
    "title": {"anchor": "start", "color": INK, "fontSize": 13, "fontWeight": 600, "offset": 14},
}
