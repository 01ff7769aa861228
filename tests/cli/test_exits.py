"""Exit codes: the gravest of several wins, whatever the order in which they come."""

import itertools

import pytest

from qfl.cli.exits import Exit, code_of, worst
from qfl.core.errors import ConfigError, DiskFullError, JobPendingError, StoreError


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([Exit.PENDING, Exit.FAILED], Exit.FAILED),
        ([Exit.FAILED, Exit.GATE], Exit.GATE),
        ([Exit.GATE, Exit.INTERRUPTED], Exit.INTERRUPTED),
        ([Exit.INTERRUPTED, Exit.USAGE], Exit.USAGE),
        ([Exit.DONE, Exit.PENDING], Exit.PENDING),
        ([], Exit.DONE),
    ],
)
def test_the_gravest_wins_in_any_order(codes, expected):
    assert {worst(*order) for order in itertools.permutations(codes)} == {expected}


def test_every_code_but_done_has_a_place_in_the_order():
    assert [code for code in Exit if worst(Exit.DONE, code) is not code] == []


def test_a_full_disk_failed_and_everything_else_was_asked_wrongly():
    assert code_of(DiskFullError("full")) is Exit.FAILED
    assert {code_of(e("no")) for e in (StoreError, ConfigError, JobPendingError)} == {Exit.USAGE}
