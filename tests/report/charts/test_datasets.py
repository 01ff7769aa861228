"""Embedded numbers: small, exact to five digits, and the same for script and renderer."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.report.charts.datasets import (
    ROUNDS,
    Source,
    columns,
    encoded,
    resolve,
    rounds_table,
    spread_out,
)
from qfl.report.runs.results import read


def decoded(table):
    return {
        name: [values["levels"][code] for code in values["codes"]]
        if isinstance(values, dict)
        else values
        for name, values in table.items()
    }


@pytest.mark.property
@given(st.lists(st.fixed_dictionaries({"name": st.text(), "x": st.floats(-1e9, 1e9)})))
def test_encoding_loses_nothing_but_digits(rows):
    table = columns(rows)
    assert decoded(json.loads(json.dumps(encoded(table)))) == table
    for row, x in zip(rows, table.get("x", ()), strict=True):
        assert x == pytest.approx(row["x"], rel=1e-4)


@pytest.mark.property
@given(st.lists(st.floats(-10, 10), max_size=9), st.floats(0.01, 2))
def test_names_move_apart_and_keep_their_order(values, gap):
    moved = spread_out(values, gap=gap)
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    placed = [moved[i] for i in order]
    assert all(b - a >= gap - 1e-9 for a, b in itertools.pairwise(placed))
    assert sum(moved) == pytest.approx(sum(values), abs=1e-6)


def test_rounds_hold_every_measured_point(run_dir):
    table = rounds_table(read(run_dir))
    assert {len(values) for values in table.values()} == {42 * 21}
    rows = resolve(
        Source(ROUNDS, y="ink.r2", methods=("qaoa",)),
        {ROUNDS: table},
        axis="payload_bytes",
        setting="",
    )
    assert len(rows) == 6 * 21
    assert rows[1]["x"] == rows[1]["payload_bytes"]
    assert rows[1]["y"] == rows[1]["ink.r2"]
