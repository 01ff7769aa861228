"""Key exchange as Vega-Lite dicts: error rates link by link, key bits left on the poorest."""

from __future__ import annotations

from collections.abc import Sequence

from qfl.core.metrics import metric
from qfl.report.charts import vega
from qfl.report.charts.datasets import columns
from qfl.report.charts.figures import Figure
from qfl.report.protecting.links import Link, Pools


def qber_figure(links: Sequence[Link]) -> Figure:
    """Return the error rate of every link: quartiles, and crosses where one aborted."""
    x = vega.number("x", None, zero=True, format=".0%", tickCount=6)
    y = vega.categories("client", [link.client for link in links])
    layers = [
        vega.layer(
            "usual",
            {"type": "rule", "strokeWidth": 2.4, "color": vega.INK},
            hideable=False,
            x={**x, "field": "low"},
            x2={"field": "high"},
            y=y,
        ),
        vega.layer(
            "usual",
            {"type": "point", "filled": True, "size": 40, "color": vega.INK, "opacity": 1},
            hideable=False,
            x=x,
            y=y,
            tooltip=vega.tooltip(("client", "client"), ("text", "median QBER")),
        ),
        vega.layer(
            "aborted",
            {"type": "point", "shape": "cross", "size": 70, "angle": 45, "filled": True},
            hideable=False,
            x=x,
            y=y,
            color={"value": vega.ALARM},
            opacity={"value": 0.2},
            tooltip=vega.tooltip(("client", "client"), ("text", "QBER, aborted")),
        ),
    ]
    measured = metric("qber")
    return Figure(
        key="qber",
        title="QBER by link",
        caption="Dot and bar: median and quartiles of the sessions that gave a key. "
        "Crosses: sessions that aborted.",
        kind="still",
        spec=vega.spec(layers, height={"step": 17}),
        data={
            "usual": columns(
                {
                    "client": link.client,
                    "low": link.qber[0],
                    "x": link.qber[1],
                    "high": link.qber[2],
                    "text": measured.text(link.qber[1]),
                }
                for link in links
                if link.qber
            ),
            "aborted": columns(
                {"client": link.client, "x": rate, "text": measured.text(rate)}
                for link in links
                for rate in link.aborted_qber
            ),
        },
    )


def pools_figure(pools: Pools) -> Figure:
    """Return the key bits left on the poorest link, round by round, over all cells."""
    x = vega.number("x", "Round", nice=False, tickCount=6)
    y = vega.number("y", None, zero=True, format="~s")
    layers = [
        vega.layer(
            "pools",
            {"type": "area", "color": vega.INK, "opacity": 0.14},
            hideable=False,
            x=x,
            y={**y, "field": "low"},
            y2={"field": "high"},
        ),
        vega.layer(
            "pools",
            {
                "type": "line",
                "color": vega.INK,
                "strokeWidth": 2,
                "point": {"size": 22, "color": vega.INK},
            },
            hideable=False,
            x=x,
            y=y,
            tooltip=vega.tooltip(("text", "bits left")),
        ),
    ]
    measured = metric("key_bits_left")
    points = zip(pools.rounds, pools.lower, pools.median, pools.upper, strict=True)
    return Figure(
        key="pools",
        title="Key bits left on the poorest link",
        caption="Median and quartiles over all cells. A link that runs out sends nothing.",
        kind="still",
        spec=vega.spec(layers, height=272),
        data={
            "pools": columns(
                {"x": number, "low": low, "y": median, "high": high, "text": measured.text(median)}
                for number, low, median, high in points
            )
        },
    )
