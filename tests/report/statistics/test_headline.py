"""The headline says what the numbers allow, and nothing more."""

import re
from dataclasses import replace

import pytest
from simulated_run import Simulation, simulate, write_run

from qfl.report.runs.results import read
from qfl.report.statistics import headline as room

SMALL = Simulation(seeds=2)


def headline(folder, **options):
    return room.headline(read(simulate(folder, **options)))


def test_a_clear_difference_is_claimed_with_effect_interval_and_n(run_dir):
    found = room.headline(read(run_dir))
    assert found.verdict == "difference"
    assert re.fullmatch(
        r"QAOA reached 80 % digit accuracy in \d\.\d rounds, random in \d\d\.\d; "
        r"difference −\d\.\d \[−\d\.\d, −\d\.\d\], 6 seeds\.",
        found.sentence,
    )
    assert "p = .031" in found.statements[0].detail
    assert "indicative below ten seeds" in found.statements[0].detail
    assert found.statements[0].effect[0].startswith("−")


def test_no_difference_is_said_as_plainly(tmp_path):
    found = headline(tmp_path, speed_up=0.0)
    assert found.verdict == "no difference"
    assert found.sentence.startswith("No difference was found: QAOA reached 80 %")
    assert found.sentence.endswith("6 seeds.")


def test_too_few_seeds_make_no_claim_and_print_no_p(tmp_path):
    found = headline(tmp_path, seeds=4)
    assert found.verdict == "no claim"
    assert found.sentence.startswith(
        "No claim: 4 paired seeds cannot reach p < .05 in an exact test: at least 6 are needed."
    )
    assert "difference −" in found.sentence
    assert "p =" not in found.statements[0].detail


def test_one_seed_has_no_interval(tmp_path):
    found = headline(tmp_path, seeds=1)
    assert found.verdict == "no claim"
    assert "one seed, no interval" in found.sentence


def test_ten_seeds_use_the_bootstrap(tmp_path):
    found = headline(tmp_path, seeds=10, methods=("random", "qaoa"))
    assert "BCa bootstrap" in found.statements[0].detail
    assert "indicative" not in found.statements[0].detail


def test_censored_runs_are_reported_not_dropped(tmp_path):
    found = headline(tmp_path, target=0.91)
    assert found.statements[0].difference.censored
    assert re.search(r"in \d of 6 runs \(median ", found.sentence)
    assert "within 20 rounds, difference" in found.sentence
    assert "log-rank test, permuted within pairs" in found.statements[0].detail
    assert "> 20" in found.sentence


def test_a_target_that_nobody_reaches_is_no_difference(tmp_path):
    found = headline(tmp_path, target=0.999)
    assert found.verdict == "no difference"
    assert "neither QAOA nor random reached 99.9 % digit accuracy within 20" in found.sentence


def test_a_missing_method_is_named(tmp_path):
    simulation = Simulation(methods=("random", "greedy"))
    found = room.headline(read(write_run(tmp_path, simulation.rows(), simulation.lock())))
    assert (found.verdict, found.sentence) == (
        "no claim",
        "No claim: there is no finished cell of QAOA.",
    )


def measured(folder, name, rows):
    lock = SMALL.lock().replace("target = 0.8\n", "").replace("digit.accuracy", name)
    return room.headline(read(write_run(folder, rows, lock)))


def test_a_metric_without_a_value_is_not_taken_for_unfinished_seeds(tmp_path):
    found = measured(tmp_path, "relearn_steps", SMALL.rows())
    assert found.verdict == "no claim"
    assert found.sentence.startswith("No claim: steps to relearn (")
    assert found.sentence.endswith(") has no value in any run of QAOA or random.")


def test_a_final_value_is_called_final_where_a_mean_over_rounds_is_beside_it(tmp_path):
    def alone(record):
        value = record.metrics["digit.accuracy"]
        return replace(record, metrics={**record.metrics, "digit.accuracy@image": value})

    rows = [replace(row, rounds=tuple(map(alone, row.rounds))) for row in SMALL.rows()]
    found = measured(tmp_path, "digit.accuracy@image", rows)
    assert "QAOA has a final digit accuracy, image alone of " in found.sentence


@pytest.mark.parametrize("declared", [True, False])
def test_without_a_target_final_values_are_compared(tmp_path, declared):
    simulation = Simulation(speed_up=1.5)
    lock = simulation.lock().replace("target = 0.8\n", "")
    if not declared:
        lock = re.sub(r"\[headline\](\n\w.*)*", "", lock)
    found = room.headline(read(write_run(tmp_path, simulation.rows(), lock)))
    expected = r"QAOA ended at \d\d\.\d % digit accuracy, random at \d\d\.\d %; difference \+\d\.\d"
    assert re.search(
        expected if declared else "No headline comparison was declared", found.sentence
    )
