"""The shipped tables hold, a changed one does not, and a bad row fails alone."""

from dataclasses import replace

import pytest

from qfl.testing.known_answers import SHIPPED, shipped_table, verify
from tests.testing.known_answers.computing import verdict

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
