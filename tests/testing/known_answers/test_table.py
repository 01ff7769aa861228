"""A table of known answers: read strictly, compared with its tolerances."""

import json

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.testing.known_answers import KnownAnswer, parse_table
from tests.testing.known_answers.computing import row, verdict


def test_tolerances():
    assert verdict(expected=0.7).reason == "is 0.6000000000000001, not 0.7"
    assert verdict(expected=0.7, tolerance={"abs": 0.11}).passed
    assert verdict(expected=0.7, tolerance={"rel": 0.15}).passed
    assert not verdict(expected=0.7, tolerance={"rel": 0.14}).passed
    assert not verdict(expected=0.6, tolerance={"abs": 0}).passed
    assert verdict(expected={"a": 0.6}).reason == "a is missing"
    assert verdict(expected=[0.6]).reason == "has the wrong length"
    assert not verdict(expected="0.6").passed
    exact = KnownAnswer("q.a.b", "", {}, {"n": [1, 2]}, "abs", 0.0, "")
    assert exact.difference({"n": [1, 2], "more": 3}) == ""
    assert exact.difference({"n": [1, 3]}) == "n [1] is 3, not 2"
    assert exact.difference({"n": [1, np.float64(2.5)]}) == "n [1] is 2.5, not 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "t.json is not JSON: "),
        ("{}", "t.json must hold a list of rows, not a dict"),
        ("[1]", "t.json, row 0 must be an object, not 1"),
        ('[{"id": "q.a.b"}]', "t.json, row 0 lacks quantity, inputs, expected, tolerance, source"),
        (json.dumps([row(), row()]), "t.json has two rows with the id 'q.r_eff.case'"),
        (json.dumps([{**row(), "id": "r_eff"}]), "needs an id like 'q.family.case', got 'r_eff'"),
        (json.dumps([{**row(), "inputs": [1]}]), "needs an object of inputs, got [1]"),
        (json.dumps([{**row(), "tolerance": {"abs": -1}}]), "needs a tolerance"),
        (json.dumps([{**row(), "tolerance": {"abs": 1, "rel": 1}}]), "needs a tolerance"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(text, message):
    with pytest.raises(ConfigError) as error:
        parse_table(text, "t.json")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
