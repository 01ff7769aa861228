"""What is read off one finished run: a number per outcome, and a summary over the seeds.

An outcome is a metric with the function that reads it from a run. A run that never reaches the
target has an infinite time, one to which the outcome does not apply has NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from qfl.core.choice import Choice
from qfl.core.metric import Metric
from qfl.core.metrics import OF_CLIENTS_IN_STREAMS, OF_FORGETTING, OF_STREAMS, metric, over_clients
from qfl.core.rng import Streams
from qfl.report.runs.participation import rounds_to_pairs
from qfl.report.runs.readings import (
    bill,
    clock,
    cost,
    counted,
    decision_seconds,
    figure,
    key_bits_left,
    mean_of,
    mean_qber,
    round_seconds,
    samples_to_solution,
    seconds_to_solution,
    slot_optimum,
    slot_ratio,
    unrepaired,
)
from qfl.report.runs.results import MODALITY, HeadlineRequest, Results, Run
from qfl.report.statistics.intervals import (
    Interval,
    Times,
    mean_interval,
    median_interval,
    times_to_event,
    wilson_interval,
)

Group = (
    Literal["learning", "modality", "decision", "exact", "samples", "solution", "speed", "slots"]
    | Literal["bill", "circuit", "cost", "security", "clock", "forgetting", "clients"]
    | Literal["stream", "stream clients"]
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number per run.

    Attributes:
        read: the number; infinite if not reached, NaN if it does not apply.
        trials: for proportions, (successes, trials) of a run; pooled over seeds.
        end: for times to a target, when observation of a run ended.
        by_median: summarised by the median over runs, because some values may be infinite.
    """

    metric: Metric
    group: Group
    read: Callable[[Run], float]
    trials: Callable[[Run], tuple[int, int]] | None = None
    end: Callable[[Run], float] | None = None
    by_median: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """One outcome of one method in one setting, over its seeds.

    Attributes:
        values: seed -> number.
        interval: mean or median over seeds, or the pooled proportion.
        times: set for times to a target; then `interval` is the restricted mean.
    """

    outcome: Outcome
    setting: str
    method: str
    values: Mapping[int, float]
    interval: Interval
    times: Times | None = None


def outcomes(results: Results) -> tuple[Outcome, ...]:
    """Return everything this study can be asked, in the order in which a report shows it."""
    samples = sampled(results)
    if not results.trains:
        return (*_DECISIONS, *samples, *_BILLS, *_SOLUTIONS)
    return (
        *_learning(results),
        *_FORGETTING,
        *_STREAMS,
        *_DECISIONS,
        *samples,
        *_BILLS,
        *_SLOTS,
        *(Outcome(metric(name), "cost", cost(name)) for name in _COSTS),
        *(Outcome(metric(name), "security", cost(name)) for name in _KEYS),
        Outcome(metric("key_bits_left"), "security", key_bits_left),
        Outcome(metric("qber"), "security", mean_qber),
        *(Outcome(metric(name), "clock", clock(name)) for name in _CLOCKS),
    )


def sampled(results: Results) -> tuple[Outcome, ...]:
    """Return what samples are judged by where circuits meet noise; means where extrapolated."""
    if not results.noisy:
        return ()
    return _SAMPLES if results.extrapolates else _SAMPLES[:-1]


def summaries(results: Results) -> tuple[Summary, ...]:
    """Return every outcome of every method in every setting to which it applies."""
    return tuple(
        summary
        for outcome in outcomes(results)
        for setting in results.settings
        for method in results.methods
        if (summary := summarise(outcome, results.of(setting, method))) is not None
    )


def summarise(outcome: Outcome, runs: tuple[Run, ...]) -> Summary | None:
    """Return `outcome` over runs of one method and setting; None if it applies to none of them."""
    values = {run.seed: outcome.read(run) for run in runs}
    values = {seed: value for seed, value in values.items() if not math.isnan(value)}
    if not values:
        return None
    rng = Streams(0)("bootstrap")
    sample = list(values.values())
    times = None
    if outcome.end is not None:
        times = times_to_event(sample, end=max(outcome.end(run) for run in runs), rng=rng)
        interval = times.restricted
    elif outcome.by_median:
        interval = median_interval(sample)
    elif outcome.trials is not None and runs[0].trains:
        pooled = np.sum([outcome.trials(run) for run in runs], axis=0)
        interval = wilson_interval(int(pooled[0]), int(pooled[1]))
    elif outcome.trials is not None and set(sample) <= {0.0, 1.0}:
        interval = wilson_interval(int(sum(sample)), len(sample))
    else:
        interval = mean_interval(sample, rng=rng)
    return Summary(outcome, runs[0].setting, runs[0].method, values, interval, times)


def time_to_target(request: HeadlineRequest, axis: str, name: str) -> Outcome:
    """Return the outcome `name`: what had been spent on `axis` when the target was reached."""
    direction = metric(request.metric)
    target = request.target
    assert_target = math.nan if target is None else target

    def read(run: Run) -> float:
        curve = run.curve(request.metric)
        reached = (curve >= assert_target) if direction.higher_is_better else curve <= assert_target
        if curve.size == 0:
            return math.nan
        spent = run.axis(axis, request.metric)
        return float(spent[int(np.argmax(reached))]) if reached.any() else math.inf

    def end(run: Run) -> float:
        return float(run.axis(axis, request.metric)[-1])

    return Outcome(metric(name), "learning", read, end=end)


def final_value(name: str) -> Outcome:
    """Return the outcome that reads a metric at the end."""
    alone: Group = "clients" if over_clients(name) else "modality"
    group = alone if MODALITY in name else "learning"
    label = f"final {metric(name).label}"
    return Outcome(replace(metric(name), label=label), group, lambda run: run.final(name))


def named(name: str) -> Outcome:
    """Return the outcome that a headline calls `name`: of decisions, or a final value."""
    beside = (*_DECISIONS, *_SAMPLES, *_SOLUTIONS, *_SLOTS, *_FORGETTING, *_STREAMS)
    known = {outcome.metric.name: outcome for outcome in beside}
    return known.get(name) or final_value(name)


def _learning(results: Results) -> tuple[Outcome, ...]:
    found: list[Outcome] = []
    request = results.headline
    if request is not None and request.target is not None:
        found += [
            time_to_target(request, "round", "rounds_to_target"),
            time_to_target(request, "virtual_seconds", "seconds_to_target"),
            time_to_target(request, "payload_bytes", "bytes_to_target"),
        ]
    found += [final_value(name) for name in results.metrics]
    if results.metrics:
        found.append(_curve_mean(results.metrics[0]))
    found.append(_PAIRS)
    return tuple(found)


_PAIRS = Outcome(
    metric("rounds_to_pairs"), "learning", rounds_to_pairs, end=lambda run: float(run.rounds)
)


def _curve_mean(name: str) -> Outcome:
    """Return the area under the curve over rounds, per round (trapezoidal rule)."""
    measured = metric(name)

    def read(run: Run) -> float:
        curve, rounds = run.curve(name), run.axis("round", name)
        if curve.size < 2:
            return math.nan
        return float(np.trapezoid(curve, rounds) / (rounds[-1] - rounds[0]))

    mean = metric("curve_mean")
    summary = replace(
        mean,
        label=f"{measured.label}, {mean.label}",
        format=measured.format,
        unit=measured.unit,
        higher_is_better=measured.higher_is_better,
    )
    return Outcome(summary, "learning", read)


def _proportion(name: str, read: Callable[[Choice], bool]) -> Outcome:
    trials = counted(read)

    def share(run: Run) -> float:
        successes, count = trials(run)
        return successes / count if count else math.nan

    return Outcome(metric(name), "decision", share, trials=trials)


_COSTS = ("payload_bytes_up", "payload_bytes_down", "energy_joules", "virtual_seconds")
_KEYS = ("key_bits_produced", "key_bits_used", "aborted_sessions")
_CLOCKS = (
    *("classical_seconds", "quantum_seconds", "training_seconds"),
    *("channel_seconds", "total_seconds"),
)
_BILLED: Mapping[Group, tuple[str, ...]] = {
    "bill": ("evaluations", "shots", "qubits"),
    "circuit": ("depth", "two_qubit_gates"),
}
_DECISIONS = (
    Outcome(metric("approximation_ratio"), "decision", mean_of(figure("approximation_ratio"))),
    _proportion("optimum_hit", lambda choice: choice.is_optimum),
    _proportion("feasible", unrepaired),
    Outcome(metric("sample_ratio"), "exact", mean_of(figure("sample_ratio"))),
    *(
        Outcome(metric(name), "decision", mean_of(figure(name)))
        for name in ("optimum_probability", "uniform_probability", "in_constraint_probability")
    ),
)
_SAMPLES = tuple(
    Outcome(metric(name), "samples", mean_of(figure(name)))
    for name in (
        *("sampled_ratio", "effective_ratio", "sampled_optimum"),
        *("kept_fraction", "mean_ratio"),
    )
)
_BILLS = tuple(
    Outcome(metric(name), group, mean_of(bill(name)))
    for group, names in _BILLED.items()
    for name in names
)
_SOLUTIONS = (
    Outcome(metric("tts_samples"), "solution", samples_to_solution, by_median=True),
    Outcome(metric("tts_seconds"), "solution", seconds_to_solution, by_median=True),
    Outcome(metric("decision_seconds"), "speed", decision_seconds),
)
_FORGETTING = tuple(
    Outcome(metric(name), "forgetting", partial(Run.once, name=name)) for name in OF_FORGETTING
)
_STREAMS = (
    *(Outcome(metric(name), "stream", partial(Run.once, name=name)) for name in OF_STREAMS),
    *(
        Outcome(metric(name), "stream clients", partial(Run.once, name=name))
        for name in OF_CLIENTS_IN_STREAMS
    ),
)
_SLOTS = (
    Outcome(metric("slot_ratio"), "slots", slot_ratio),
    Outcome(metric("slot_optimum"), "slots", slot_optimum),
    Outcome(metric("round_seconds"), "slots", round_seconds),
)
