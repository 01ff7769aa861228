"""Rounds until every pair was trained: by method, with paired differences and both counts."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from simulated_run import CLIENTS, simulate

from qfl.core.tasks import Modality, Task
from qfl.federation.deciding.holdings import Trainings
from qfl.report.learning.trained_pairs import trained_pairs_table
from qfl.report.runs.participation import counts_agree, rounds_until_trained
from qfl.report.runs.results import read

HELD = {
    name: {"modalities": ["image"] if i % 8 else ["audio"], "tasks": ["digit"]}
    for i, name in enumerate(CLIENTS)
}


def with_holdings(results, count):
    """The results, with who holds what, and the runs' own counts as `count` makes them."""
    runs = []
    for run in results.runs:
        first, *rest = run.row.rounds
        kept = count()
        rounds = [replace(r, least_trained=kept(r.delivered)) for r in rest]
        row = replace(run.row, rounds=(replace(first, holdings=HELD), *rounds))
        runs.append(replace(run, row=row))
    return replace(results, runs=tuple(runs))


def counter():
    """What a federation of these clients counts with."""
    clients = [
        SimpleNamespace(
            name=name,
            modalities=tuple(Modality(name, (8, 8)) for name in held["modalities"]),
            tasks=tuple(Task(name, "classification", 10) for name in held["tasks"]),
        )
        for name, held in HELD.items()
    ]
    return Trainings(clients)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return read(simulate(tmp_path_factory.mktemp("run"), methods=("random", "qaoa")))


@pytest.fixture(scope="module")
def results(plain):
    return with_holdings(plain, lambda: counter().note)


def test_rounds_are_those_of_the_records_and_differences_are_paired(results):
    table = trained_pairs_table(results)
    rows = {row.method: row.cells for row in table.rows}
    runs = {m: {r.seed: r.row.rounds for r in results.of("", m)} for m in ("random", "qaoa")}
    for column, times in ((1, 1), (3, 2), (5, 4)):
        counted = {m: [rounds_until_trained(x, times) for x in runs[m].values()] for m in runs}
        if None in counted["qaoa"] + counted["random"]:
            assert times > 1
            continue
        mean = sum(counted["qaoa"]) / 6
        assert rows["qaoa"][column].text == f"{mean:.1f}"
        gap = mean - sum(counted["random"]) / 6
        assert rows["qaoa"][column + 1].sort == pytest.approx(gap)
    assert rows["random"][2].text == "–"
    assert [c.label for c in table.columns][1:3] == ["once", "once, minus random"]


def test_the_runs_own_counts_are_checked_against_the_records(results):
    assert "All 36 counts that the runs kept themselves say the same." in (
        trained_pairs_table(results).note
    )


def test_a_run_that_counts_whom_it_chose_is_found_out(plain):
    """The mutation: every round counts as if everybody had delivered."""

    def everybody():
        kept = counter()
        return lambda delivered: kept.note(CLIENTS)

    wrong = with_holdings(plain, everybody)
    assert not all(counts_agree(run, 2) for run in wrong.runs)
    assert "say otherwise" in trained_pairs_table(wrong).note


def test_runs_that_kept_no_count_are_not_said_to_agree(plain):
    none = with_holdings(plain, lambda: lambda delivered: None)
    assert {counts_agree(run) for run in none.runs} == {None}
    assert "kept" not in trained_pairs_table(none).note


def test_where_all_hold_the_same_there_is_no_table(plain):
    assert not trained_pairs_table(plain).rows


def test_two_methods_that_never_get_there_are_not_said_to_be_equal(plain):
    """Nobody with sound delivers, so that no difference of rounds is known."""
    deaf = [n for n in CLIENTS if HELD[n]["modalities"] == ["image"]]
    runs = []
    for run in with_holdings(plain, lambda: lambda delivered: None).runs:
        first, *rest = run.row.rounds
        rounds = [replace(r, delivered=tuple(n for n in r.delivered if n in deaf)) for r in rest]
        runs.append(replace(run, row=replace(run.row, rounds=(first, *rounds))))
    rows = {
        row.method: row.cells for row in trained_pairs_table(replace(plain, runs=tuple(runs))).rows
    }
    assert rows["qaoa"][1].text == "> 20"
    assert rows["qaoa"][2].text == "–"
