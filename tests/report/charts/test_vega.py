"""The vocabulary: what is said once for all figures holds in each of them."""

import json

import pytest

from qfl.core.metrics import metric
from qfl.report.charts import vega
from qfl.report.charts.palette import Style

LOOKS = (
    Style("qaoa", "#0067A8", "#56B4E9", (), True),
    Style("it's", "#C4500A", "#F08A4B", (6, 3), False),
)


def test_every_layer_drops_hidden_methods_unless_it_has_none():
    shown = vega.layer("mean", {"type": "point"}, x={"field": "x"})
    assert shown["transform"] == [{"filter": vega.VISIBLE}]
    assert "transform" not in vega.layer("zero", {"type": "rule"}, hideable=False)


def test_a_spec_has_what_the_filter_bar_sets_and_is_json():
    found = vega.spec([vega.layer("a", {"type": "point"})], height=10)
    assert {p["name"] for p in found["params"]} == {"hidden", "focus", "seed", "seeds"}
    assert json.loads(json.dumps(found)) == found


def test_colours_and_dashes_are_bound_to_methods_not_to_their_order():
    colours, dashes = vega.colour(LOOKS)["scale"], vega.dash(LOOKS)["scale"]
    assert dict(zip(colours["domain"], colours["range"], strict=True)) == {
        "qaoa": "#0067A8",
        "it's": "#C4500A",
    }
    assert dashes["range"] == [[1, 0], [6, 3]]


@pytest.mark.parametrize(
    ("name", "ticks", "fine"),
    [
        ("digit.accuracy", "~%", ".2%"),
        ("payload_bytes_up", "~s", ".3~s"),
        ("digit.loss", "~g", ".4~g"),
    ],
)
def test_axes_print_a_metric_as_tables_do(name, ticks, fine):
    assert vega.tick_format(metric(name)) == ticks
    assert vega.tick_format(metric(name), fine=True) == fine


def test_headings_say_which_way_is_better():
    assert vega.heading(metric("digit.accuracy")) == "Digit accuracy ↑"
    assert vega.heading(metric("qber")).endswith("↓")


def test_every_colour_of_the_ink_has_one_for_dark_paper():
    used = json.dumps(vega.spec([], height=1)["config"])
    for colour in (vega.INK, vega.SOFT, vega.GRID, "#bbb8b0"):
        assert colour in used
        assert vega.DARK[colour] != colour
