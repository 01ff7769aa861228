"""Pairs, families and their guards."""

from dataclasses import replace

import pytest
from simulated_run import Simulation, simulate, write_run

from qfl.core.cell import Cell
from qfl.core.errors import ConfigError, UnknownNameError
from qfl.report.runs.results import read
from qfl.report.statistics.compare import asked, difference, finals, primary, secondary, unpaired
from qfl.report.statistics.outcomes import final_value
from qfl.report.statistics.significance import holm


def test_the_declared_comparison_is_a_family_of_one(run_dir):
    family = primary(read(run_dir))
    (found,) = family.differences
    assert (found.method, found.baseline, family.refusal) == ("qaoa", "random", "")
    assert found.adjusted_p == found.test.p == 2 / 2**6
    assert found.interval.estimate == pytest.approx(
        sum(a - b for _, a, b in found.pairs) / len(found.pairs)
    )
    assert found.found


def test_any_two_methods_are_compared_as_the_headline_compares_its_own(run_dir):
    results = read(run_dir)
    (found,) = asked(results, "qaoa", "random", "digit.accuracy")
    (there,) = [d for d in finals(results).differences if d.baseline == "random"]
    assert (found.pairs, found.interval) == (there.pairs, there.interval)
    (back,) = asked(results, "random", "qaoa", "digit.accuracy")
    assert back.interval.estimate == pytest.approx(-found.interval.estimate)
    assert found.test is None


def test_what_cannot_be_compared_is_refused_with_what_can(run_dir):
    results = read(run_dir)
    with pytest.raises(UnknownNameError, match="did you mean 'qaoa'"):
        asked(results, "qaoaa", "random", "digit.accuracy")
    with pytest.raises(UnknownNameError, match="unknown metric"):
        asked(results, "qaoa", "random", "digit.acuracy")
    with pytest.raises(ConfigError, match=r"no seed on which both .*measured .*digit\.accuracy"):
        asked(results, "qaoa", "random", "membership_auc")


def test_six_seeds_are_too_few_for_five_comparisons(run_dir):
    family = secondary(read(run_dir))
    assert len(family.differences) == 5
    assert "at least 8 are needed" in family.refusal
    assert all(d.test is None and d.adjusted_p is None and not d.found for d in family.differences)


def test_eight_seeds_are_enough_and_adjusted(tmp_path):
    family = secondary(read(simulate(tmp_path, seeds=8)))
    assert family.refusal == ""
    raw = [d.test.p for d in family.differences]
    assert [d.adjusted_p for d in family.differences] == holm(raw)


def test_final_values_are_described_not_tested(run_dir):
    family = finals(read(run_dir))
    assert len(family.differences) == 6
    assert all(d.test is None and d.interval.known for d in family.differences)


def test_runs_on_other_instances_are_not_pairs(tmp_path):
    rows = Simulation(seeds=2, rounds=3).rows()
    odd = rows[0]
    identity = {**odd.cell.identity(), "scenario": {**odd.cell.scenario, "dirichlet_alpha": 0.9}}
    rows[0] = replace(odd, cell=Cell.from_identity(identity, odd.cell.labels))
    simulation = Simulation(seeds=2, rounds=3)
    lock = simulation.lock().replace(odd.cell.id, rows[0].cell.id)
    results = read(write_run(tmp_path, rows, lock))
    outcome = final_value("digit.accuracy")
    found = difference(outcome, results.of("", "qaoa"), results.of("", "random"), tested=False)
    assert [seed for seed, *_ in found.pairs] == [1]
    assert {(run.method, run.seed) for run in unpaired(results)} >= {("random", 0), ("qaoa", 0)}


def test_no_common_seed_is_no_difference(run_dir):
    results = read(run_dir)
    qaoa, random = results.of("", "qaoa"), results.of("", "random")
    assert difference(final_value("ink.r2"), qaoa[:2], random[3:], tested=True) is None
