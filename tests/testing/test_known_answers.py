"""The shipped tables hold, a changed one does not, and a bad one is refused in one sentence."""

import json
from dataclasses import replace

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.testing.known_answers import (
    FAMILIES,
    SHIPPED,
    KnownAnswer,
    parse_table,
    shipped_table,
    verify,
)

SECONDS = {
    "q.sk_nu.p15",
    "q.sk_nu.p17",
    "q.tree_opt_3reg.p11",
    "q.tree_opt_3reg.p13",
    "q.tree_opt_3reg.p14",
    "q.tree_opt_3reg.p17",
    "s.cascade_f.Q0_005",
    "s.cascade_f.Q0_01",
    "s.dp_calibrate.eps1",
    "s.dp_calibrate.eps4",
}
"""Rows that take over a second."""


def marks(row):
    return [pytest.mark.slow] if row.id in SECONDS else []


ELSEWHERE = {f"s.cascade_f.Q0_{digits}" for digits in ("03", "05", "06", "08", "1", "1095")}
"""Rows that take many seconds; tests/security/qkd/test_cascade.py asks the same of fewer keys."""

ROWS = [
    pytest.param(row, id=row.id, marks=marks(row))
    for name in SHIPPED
    for row in shipped_table(name)
    if row.id not in ELSEWHERE
]


def changed(expected):
    """Return an expected value with its last leaf changed by more than any tolerance."""
    if isinstance(expected, dict):
        last = list(expected)[-1]
        return {**expected, last: changed(expected[last])}
    if isinstance(expected, list):
        return [*expected[:-1], changed(expected[-1])]
    return "other" if isinstance(expected, str) or expected is None else 2 * expected + 1


@pytest.mark.golden
@pytest.mark.parametrize("row", ROWS)
def test_every_shipped_row_holds_and_would_notice_a_change(row):
    [verdict] = verify([row])
    assert verdict.reason == ""
    assert replace(row, expected=changed(row.expected)).difference(verdict.got)


def test_every_family_of_the_registry_is_in_a_table():
    shipped = {row.family for name in SHIPPED for row in shipped_table(name)}
    assert set(FAMILIES.table()) == shipped


def row(family="r_eff", inputs=None, expected=0.6, tolerance=None):
    return {
        "id": f"q.{family}.case",
        "quantity": "effective ratio",
        "inputs": {"r": 0.8, "r_random": 0.5} if inputs is None else inputs,
        "expected": expected,
        "tolerance": tolerance or {"abs": 1e-12},
        "source": "definition",
    }


def verdict(**changes):
    [found] = verify(parse_table(json.dumps([row(**changes)]), "t.json"))
    return found


def test_a_family_that_is_not_there_fails_and_names_the_nearest():
    found = verdict(family="r_ef")
    assert not found.passed
    assert found.got is None
    assert "unknown family of known answers 'r_ef' (did you mean 'r_eff'?)" in found.reason


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"r": 0.8}, "input 'r_random' is missing; given: r"),
        ({"r": 0.8, "r_random": 0.5, "n": 3}, "family 'r_eff' does not use the inputs n"),
        ({"r": "high", "r_random": 0.5}, "input 'r' must be a finite number, got 'high'"),
        ({"r": True, "r_random": 0.5}, "input 'r' must be a finite number, got True"),
        ({"r": 0.8, "r_random": 1.0}, "random_ratio must be below 1, got 1.0"),
    ],
)
def test_inputs_that_make_no_sense_fail_their_row(inputs, reason):
    assert verdict(inputs=inputs).reason == reason


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
