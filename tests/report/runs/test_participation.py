"""Rounds until every pair was trained are counted from the records alone."""

import math
from dataclasses import replace

import pytest

from qfl.core.cell import Cell
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.report.runs.participation import rounds_to_pairs, rounds_until_trained, untrained_tasks
from qfl.report.runs.results import Run
from qfl.study.store import CellRow

HELD = {
    "a": {"modalities": ["x", "y"], "tasks": ["t"]},
    "b": {"modalities": ["y"], "tasks": ["t", "u"]},
}


def records(*delivered, held=HELD):
    """A federation in which these clients delivered, round by round."""
    return [
        RoundRecord(
            round=number,
            selected=("a", "b"),
            delivered=who,
            metrics={},
            client_metrics={},
            choice=None,
            costs=Costs(),
            links=(),
            level="L0",
            timings=Timings(),
            holdings={} if number else held,
        )
        for number, who in enumerate([(), *delivered])
    ]


def test_every_pair_needs_a_client_whose_change_arrived():
    found = records(("a",), ("b",), (), ("a", "b"))
    assert rounds_until_trained(found) == 2
    assert rounds_until_trained(found, times=2) == 4
    assert rounds_until_trained(found, times=3) is None
    assert rounds_until_trained(found[:2]) is None


def test_two_holders_in_one_round_count_once():
    """Both hold (y, t)."""
    found = records(("a", "b"), ("a",), ("b",))
    assert rounds_until_trained(found, times=2) == 3


@pytest.mark.parametrize(
    ("delivered", "held", "expected"),
    [
        ([("a",), ("b",)], HELD, 2.0),
        ([("a",), ("a",)], HELD, math.inf),
        ([("a",)], {name: HELD["a"] for name in "ab"}, math.nan),
        ([("a",)], {}, math.nan),
    ],
)
def test_the_report_reads_it_off_a_run(delivered, held, expected):
    cell = Cell(scenario={}, federation={}, selection={}, solver={}, channel={}, seed=0)
    row = CellRow(cell, "done", rounds=tuple(records(*delivered, held=held)))
    run = Run(row, label="m", method="m", setting="", seed=0, pairing="")
    assert rounds_to_pairs(run) == pytest.approx(expected, nan_ok=True)


def test_holdings_survive_the_file():
    [first, *_] = records(("a",))
    assert RoundRecord.from_dict(first.to_dict()).holdings == HELD


def scored(found, *tasks, excluded=()):
    metrics = {f"{task}.accuracy": 0.5 for task in tasks} | {"score": 0.5, "t.accuracy@x": 0.1}
    first = replace(found[0], metrics=metrics, excluded=dict.fromkeys(excluded, "why"))
    return [first, *found[1:]]


def test_tasks_whose_holders_never_delivered_are_untrained():
    assert untrained_tasks(scored(records(("a",), ("a",)), "t", "u")) == {"u"}
    assert untrained_tasks(scored(records(("a",), ("b",)), "t", "u")) == set()
    assert untrained_tasks(scored(records(("a", "b")), "t", "u", "v")) == {"v"}
    assert untrained_tasks([]) == set()


def test_where_nothing_travels_only_what_the_first_record_says_counts():
    assert untrained_tasks(scored(records(()), "t", "u")) == set()
    found = scored(records(()), "t", "u", excluded=("u", "client-07"))
    assert untrained_tasks(found) == {"u"}
