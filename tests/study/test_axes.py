"""What varies: shared axes multiply, axes of one method stand alone, and rubbish is passed over."""

import pytest

from qfl.study.axes import has, may_have, points, safe_points, with_own


def test_shared_axes_multiply_and_a_methods_own_axis_adds():
    sweep = {"a.x": (1, 2), "b.y": (3, 4, 5), "methods.m.depth": (1, 2)}
    found = points(sweep)
    assert len(found) == 2 * 3 + 2
    assert {"a.x": 2, "b.y": 5} in found
    assert found[-2:] == [{"methods.m.depth": 1}, {"methods.m.depth": 2}]


def test_a_sweep_of_nothing_has_no_points():
    assert points({}) == []
    assert points({"methods.m.depth": (1,)}) == [{"methods.m.depth": 1}]


@pytest.mark.parametrize("sweep", [None, 3, [1], {"a": 3}, {"a": {"b": "text"}}])
def test_malformed_sweeps_have_no_points(sweep):
    assert safe_points(sweep) == []


def test_tables_are_dotted_keys():
    assert safe_points({"scenario": {"clients": [8, 16]}}) == [
        {"scenario.clients": 8},
        {"scenario.clients": 16},
    ]


def test_methods_with_sections_of_their_own_are_found_among_anything():
    own = {"solver": "random", "channel": {"name": "masked"}}
    assert with_own([own, {"solver": "exact"}, "text", 3]) == [own]
    assert with_own("text") == []


def test_a_section_may_be_the_studys_or_one_methods():
    assert has({"privacy": {"mechanism": "central"}}, "privacy")
    assert has({"methods": ({"privacy": {"mechanism": "central"}},)}, "privacy")
    assert not has({"privacy": {}, "methods": ({},)}, "privacy")
    assert may_have({"methods": ()}, "privacy"), "a section with errors is not there any more"
    assert not may_have({"privacy": {}, "methods": ()}, "privacy")
