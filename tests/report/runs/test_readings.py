"""What is read off one run: chances, times to a solution, bills, keys and slots."""

import math
from dataclasses import replace

import numpy as np
import pytest
from deciding_run import decided

from qfl.report.runs.readings import (
    bill,
    clock,
    cost,
    counted,
    figure,
    key_bits_left,
    mean_of,
    mean_qber,
    round_seconds,
    samples_to_solution,
    seconds_to_solution,
    slot_optimum,
    slot_ratio,
    success,
    unrepaired,
)
from qfl.report.runs.results import read

SMALL = "choose 2, clients 6"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return read(decided(tmp_path_factory.mktemp("runs") / "deciding"))


@pytest.fixture(scope="module")
def trained(run_dir):
    return read(run_dir)


def with_choices(run, choice):
    rounds = tuple(replace(record, choice=choice) for record in run.row.rounds)
    return replace(run, row=replace(run.row, rounds=rounds))


def test_time_to_solution(results):
    run = results.of(SMALL, "random_best")[0]
    assert success(run) == pytest.approx(1 - (14 / 15) ** 4)
    assert samples_to_solution(run) == pytest.approx(math.log(0.01) / math.log(14 / 15))
    exact = results.of(SMALL, "exact")[0]
    assert (success(exact), samples_to_solution(exact)) == (1.0, 15.0)
    assert seconds_to_solution(exact) > 0
    missed = replace(exact.row.rounds[0].choice, energy=exact.row.rounds[0].choice.worst)
    never = with_choices(exact, missed)
    assert (success(never), samples_to_solution(never)) == (0.0, math.inf)


def test_repaired_choices_and_unknown_optima_do_not_count(results):
    run = results.of(SMALL, "exact")[0]
    choice = run.choices()[0]
    mended = replace(choice, diagnostics={"repaired": 1.0})
    assert (unrepaired(choice), unrepaired(mended)) == (True, False)
    assert counted(unrepaired)(with_choices(run, mended)) == (0, len(run.choices()))
    assert counted(unrepaired)(with_choices(run, replace(choice, optimum=None))) == (0, 0)
    assert mean_of(bill("evaluations"))(run) == choice.evaluations
    assert math.isnan(mean_of(figure("kept_fraction"))(run))


def test_bills_and_clocks_are_sums_over_the_rounds(trained):
    run = trained.of("", "qaoa")[0]
    rounds = run.row.rounds
    energy = math.fsum(r.costs.energy_joules for r in rounds)
    assert cost("energy_joules")(run) == pytest.approx(energy)
    assert clock("total_seconds")(run) == sum(r.timings.total_seconds for r in rounds)


def test_aborted_exchanges_have_no_say_in_the_error_rate(trained):
    run = trained.of("", "qaoa")[0]
    told = [e for r in run.row.rounds for e in r.links if e.qber is not None]
    assert any(event.aborted for event in told)
    kept = [event.qber for event in told if not event.aborted]
    assert mean_qber(run) == pytest.approx(np.mean(kept))
    assert mean_qber(run) != pytest.approx(np.mean([event.qber for event in told]))
    silent = tuple(replace(r, links=()) for r in run.row.rounds)
    quiet = replace(run, row=replace(run.row, rounds=silent))
    assert math.isnan(mean_qber(quiet))
    assert math.isnan(key_bits_left(quiet))
    assert key_bits_left(run) > 0


def test_slot_decisions_are_read_where_an_uplink_is_shared(trained):
    run = trained.of("", "exact")[0]
    first, *rounds = run.row.rounds
    slots = [replace(r.choice, energy=r.choice.optimum) for r in rounds]
    half = replace(slots[0], energy=(slots[0].optimum + slots[0].worst) / 2)
    shared = [replace(r, slots=s) for r, s in zip(rounds, [half, *slots[1:]], strict=True)]
    uplink = replace(run, row=replace(run.row, rounds=(first, *shared)))
    assert slot_ratio(uplink) == pytest.approx(1 - 0.5 / 20)
    assert slot_optimum(uplink) == pytest.approx(19 / 20)
    spent = sum(r.costs.virtual_seconds for r in rounds)
    assert round_seconds(uplink) == pytest.approx(spent / 20)
    assert math.isnan(slot_ratio(run))
