"""Metric metadata: complete, consistent, and never guessed."""

import pytest

from qfl.core.choice import Choice
from qfl.core.errors import UnknownNameError
from qfl.core.metrics import METRICS, metric
from qfl.core.record import Costs, Timings


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_row_is_complete(name):
    row = METRICS[name]
    assert row.name == name
    assert row.label
    assert row.definition
    assert not row.definition.endswith(".")
    assert row.text(0.25)
    low, high = row.range
    assert low is None or high is None or low < high


def test_every_cost_and_time_that_is_recorded_has_a_meaning():
    bill = ("evaluations", "shots", "qubits", "depth", "two_qubit_gates", "feasible")
    for name in (*Costs.__slots__, *Timings.__slots__, *bill):
        assert metric(name).name == name
    assert set(bill) <= set(Choice.__slots__)


@pytest.mark.parametrize("name", ["acuracy", "digit.acuracy", "digit.", ".accuracy", ""])
def test_an_unknown_metric_is_an_error(name):
    with pytest.raises(UnknownNameError, match="unknown metric"):
        metric(name)


def test_a_measure_of_a_task_is_relabelled():
    assert metric("slant.r2").label == "slant R²"
    assert metric("slant.r2").higher_is_better
