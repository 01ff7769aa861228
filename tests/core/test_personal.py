"""Comparisons of personal models survive a record."""

import json
from dataclasses import asdict

import pytest

from qfl.core.personal import Comparison


@pytest.mark.parametrize(
    "one",
    [
        Comparison("a", "digit", 0.5, 0.25, ("head:*:digit", "encoder:image")),
        Comparison("b", "slant", None, None),
    ],
)
def test_a_comparison_comes_back_from_json_as_it_went(one):
    again = Comparison.from_dict(json.loads(json.dumps(asdict(one))))
    assert again == one
    assert isinstance(again.replaced, tuple)
