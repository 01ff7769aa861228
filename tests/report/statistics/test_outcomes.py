"""What is read off a run."""

import math
from dataclasses import replace

import numpy as np
import pytest
from simulated_run import SHOTS

from qfl.report.runs.results import HeadlineRequest, read
from qfl.report.statistics.outcomes import final_value, summaries, summarise, time_to_target

REQUEST = HeadlineRequest("digit.accuracy", "qaoa", "random", 0.8)


@pytest.fixture(scope="module")
def results(run_dir):
    return read(run_dir)


def named(found, name, method):
    return next(s for s in found if s.outcome.metric.name == name and s.method == method)


def test_time_to_target_is_the_first_round_that_reaches_it(results):
    run = results.of("", "random")[0]
    curve = run.curve("digit.accuracy")
    rounds = time_to_target(REQUEST, "round", "rounds_to_target").read(run)
    assert curve[int(rounds)] >= 0.8 > curve[: int(rounds)].max()
    seconds = time_to_target(REQUEST, "virtual_seconds", "seconds_to_target").read(run)
    assert seconds == pytest.approx(run.spent("virtual_seconds")[int(rounds)])


def test_a_loss_reaches_its_target_from_above(results):
    run = results.of("", "qaoa")[0]
    request = replace(REQUEST, metric="digit.loss", target=1.0)
    rounds = time_to_target(request, "round", "rounds_to_target").read(run)
    assert run.curve("digit.loss")[int(rounds)] <= 1.0 < run.curve("digit.loss")[int(rounds) - 1]


def test_a_target_out_of_reach_is_infinite(results):
    request = replace(REQUEST, target=0.999)
    outcome = time_to_target(request, "round", "rounds_to_target")
    runs = results.of("", "qaoa")
    assert outcome.read(runs[0]) == math.inf
    times = summarise(outcome, runs).times
    assert (times.reached, times.end, times.median) == (0, 20.0, math.inf)


def test_summaries_pool_proportions_and_average_the_rest(results):
    found = summaries(results)
    hits = named(found, "optimum_hit", "qaoa")
    assert (hits.interval.method, hits.interval.n) == ("Wilson", 6 * 20)
    assert hits.interval.estimate == pytest.approx(np.mean(list(hits.values.values())))
    final = named(found, "digit.accuracy", "greedy")
    assert (final.interval.method, final.interval.n) == ("Student", 6)
    assert final.outcome.metric.label == "final digit accuracy"
    assert named(found, "shots", "qaoa").interval.estimate == SHOTS
    assert named(found, "aborted_sessions", "qaoa").interval.estimate == 1.0


def test_outcomes_that_do_not_apply_are_absent(results):
    found = summaries(results)
    with pytest.raises(StopIteration):
        named(found, "optimum_probability", "exact")
    with pytest.raises(StopIteration):
        named(found, "in_constraint_probability", "qaoa")
    assert summarise(final_value("absent.accuracy"), results.of("", "qaoa")) is None


def test_the_mean_over_the_curve_is_its_area(results):
    run = results.of("", "qaoa")[0]
    curve = run.curve("digit.accuracy")
    area = next(
        s
        for s in summaries(results)
        if s.outcome.metric.label == "digit accuracy, mean over rounds" and s.method == "qaoa"
    )
    assert area.values[0] == pytest.approx(np.trapezoid(curve) / 20)
