"""Reading a run: what counts, what is missing, what is stale, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from simulated_run import Simulation, write_run

from qfl.core.cell import Cell
from qfl.core.errors import ConfigError, StoreError
from qfl.report.runs.results import read
from qfl.report.statistics.headline import headline
from qfl.study.folder import describe, toml

SMALL = Simulation(seeds=2, rounds=3, methods=("random", "greedy", "qaoa"))


def labelled(row, **labels):
    """Return the row at another point of a sweep; depth is the solver's, skew the scenario's."""
    identity = row.cell.identity()
    for key, value in labels.items():
        part = "solver" if key == "depth" else "scenario"
        identity[part] = {**identity[part], key: value}
    return replace(row, cell=Cell.from_identity(identity, {**row.cell.labels, **labels}))


def test_methods_keep_the_order_of_the_study(run_dir):
    results = read(run_dir)
    assert results.methods == tuple(Simulation().methods)
    assert (results.settings, results.seeds) == (("",), (0, 1, 2, 3, 4, 5))
    assert results.metrics == ("digit.accuracy", "ink.r2", "digit.loss")
    assert not results.stale
    assert not results.todo


def test_the_order_of_lines_leaves_no_trace(tmp_path):
    rows = SMALL.rows()
    forth = read(write_run(tmp_path / "a" / "run", rows, SMALL.lock()))
    back = read(write_run(tmp_path / "b" / "run", rows[::-1], SMALL.lock()))
    assert forth == back


def test_curves_and_spending(run_dir):
    run = read(run_dir).runs[0]
    assert run.curve("digit.accuracy").shape == (21,)
    assert run.axis("round", "digit.accuracy").tolist() == list(range(21))
    assert run.axis("virtual_seconds", "digit.accuracy")[-1] == pytest.approx(
        run.costs().virtual_seconds
    )
    assert (np.diff(run.spent("payload_bytes")) >= 0).all()


def test_cells_without_a_result_are_kept_apart(tmp_path):
    done, failed, skipped, pending, *rest = SMALL.rows()
    rows = [
        done,
        replace(failed, status="failed", reason="boom", rounds=()),
        replace(skipped, status="skipped", reason="needs the extra 'dwave'", rounds=()),
        replace(pending, status="pending", reason="job 7", rounds=()),
    ]
    results = read(write_run(tmp_path, rows, SMALL.lock()))
    assert [run.row.cell.id for run in results.runs] == [done.cell.id]
    assert {row.status for row in results.unfinished} == {"failed", "skipped", "pending"}
    assert len(results.todo) == len(rest)


def test_cells_of_other_code_are_stale(tmp_path):
    rows = SMALL.rows()
    rows[0] = replace(rows[0], fingerprint="0" * 64)
    results = read(write_run(tmp_path, rows, SMALL.lock()))
    assert results.stale == {rows[0].cell.id}
    assert len(results.runs) == len(rows)


@pytest.fixture
def sweep(tmp_path):
    """Return a run with two settings, and two variants of one method."""
    rows = [
        labelled(
            row, **({"depth": depth} if row.cell.labels["method"] == "qaoa" else {}), skew=skew
        )
        for row in SMALL.rows()
        for skew in ("0.1", "1.0")
        for depth in ("1", "2")
    ]
    rows = list({row.cell.id: row for row in rows}.values())
    names = {row.cell.id: describe(row.cell) for row in rows}
    lock = SMALL.lock().partition("[lock")[0] + toml({"lock": {"schema": 1, "cells": names}})
    return write_run(tmp_path, rows, lock)


def test_axes_shared_by_all_methods_are_settings_and_others_variants(sweep):
    results = read(sweep)
    assert results.settings == ("skew 0.1", "skew 1.0")
    assert results.methods == ("random", "greedy", "qaoa, depth 1", "qaoa, depth 2")
    assert results.variants("qaoa") == ("qaoa, depth 1", "qaoa, depth 2")


def test_a_sweep_has_a_statement_per_setting_and_variant(sweep):
    results = read(sweep)
    found = headline(results)
    assert found.sentence == (
        "No claim: 2 paired seeds cannot reach p < .05 in an exact test "
        "for 4 comparisons with Holm: at least 8 are needed."
    )
    places = [(s.difference.setting, s.difference.method) for s in found.statements]
    assert places == [(s, m) for s in results.settings for m in results.variants("qaoa")]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"no study\.lock\.toml"):
        read(tmp_path)


def test_a_run_without_cells_is_refused(tmp_path):
    with pytest.raises(StoreError, match="holds no cell yet"):
        read(write_run(tmp_path, [], SMALL.lock()))


def test_damaged_provenance_is_named(tmp_path):
    folder = write_run(tmp_path, SMALL.rows(), SMALL.lock())
    (folder / "provenance" / "demo.json").write_text("{")
    with pytest.raises(StoreError, match=r"demo\.json is damaged"):
        read(folder)


def test_missing_provenance_is_said_not_hidden(tmp_path):
    folder = write_run(tmp_path, SMALL.rows(), SMALL.lock())
    (folder / "provenance" / "demo.json").unlink()
    assert "is not in provenance/" in read(folder).provenance["demo"]["missing"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('metric = "digit.accuracy"', 'metric = "digit.acuracy"', "did you mean"),
        ('baseline = "random"', 'versus = "random"', "needs metric, method and baseline"),
    ],
)
def test_a_headline_that_cannot_be_understood_is_refused(tmp_path, old, new, message):
    lock = SMALL.lock()
    assert old in lock
    with pytest.raises(ConfigError, match=message):
        read(write_run(tmp_path, SMALL.rows(), lock.replace(old, new)))
