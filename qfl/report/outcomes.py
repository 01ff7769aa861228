"""What is read off one finished run: a number per outcome, and a summary over the seeds.

An outcome is a metric with the function that reads it from a run. A run that never reaches the
target has an infinite time, one to which the outcome does not apply has NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from qfl.core.metrics import Metric, metric
from qfl.core.record import Choice
from qfl.core.rng import Streams
from qfl.report.intervals import Interval, Times, mean_interval, times_to_event, wilson_interval
from qfl.report.results import MODALITY, HeadlineRequest, Results, Run

Group = Literal["learning", "modality", "decision", "bill", "cost", "security", "clock"]

_OPTIMAL = 1e-9
"""Relative gap below which an energy counts as the optimum."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number per run.

    Attributes:
        read: the number; infinite if not reached, NaN if it does not apply.
        trials: for proportions, (successes, trials) of a run; pooled over seeds.
        end: for times to a target, when observation of a run ended.
    """

    metric: Metric
    group: Group
    read: Callable[[Run], float]
    trials: Callable[[Run], tuple[int, int]] | None = None
    end: Callable[[Run], float] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One outcome of one method in one setting, over its seeds.

    Attributes:
        values: seed -> number.
        interval: mean over seeds, or the pooled proportion.
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
    return (
        *_learning(results),
        *_DECISIONS,
        *(Outcome(metric(name), "cost", _cost(name)) for name in _COSTS),
        *(Outcome(metric(name), "security", _cost(name)) for name in _KEYS),
        Outcome(metric("key_bits_left"), "security", _key_bits_left),
        Outcome(metric("qber"), "security", _mean_qber),
        *(Outcome(metric(name), "clock", _clock(name)) for name in _CLOCKS),
    )


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
    elif outcome.trials is not None:
        pooled = np.sum([outcome.trials(run) for run in runs], axis=0)
        interval = wilson_interval(int(pooled[0]), int(pooled[1]))
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
    """Return the outcome that reads the last value of a metric."""
    group: Group = "modality" if MODALITY in name else "learning"

    def read(run: Run) -> float:
        curve = run.curve(name)
        return float(curve[-1]) if curve.size else math.nan

    return Outcome(replace(metric(name), label=f"final {metric(name).label}"), group, read)


def approximation_ratio(choice: Choice) -> float:
    """Return (worst - energy) / (worst - optimum), NaN where the range is unknown or empty."""
    if choice.optimum is None or choice.worst is None or choice.worst <= choice.optimum:
        return math.nan
    return (choice.worst - choice.energy) / (choice.worst - choice.optimum)


def _unrepaired(choice: Choice) -> bool:
    return choice.feasible and not choice.diagnostics.get("repaired")


def is_optimum(choice: Choice) -> bool:
    """Return True if the decision's energy is the enumerated optimum."""
    if choice.optimum is None:
        return False
    scale = max(abs(choice.optimum), abs(choice.worst or 0.0), 1e-300)
    return choice.feasible and abs(choice.energy - choice.optimum) <= _OPTIMAL * scale


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
    return tuple(found)


def _curve_mean(name: str) -> Outcome:
    """Return the area under the curve over rounds, per round (trapezoidal rule)."""
    measured = metric(name)

    def read(run: Run) -> float:
        curve, rounds = run.curve(name), run.axis("round", name)
        if curve.size < 2:
            return math.nan
        return float(np.trapezoid(curve, rounds) / (rounds[-1] - rounds[0]))

    summary = replace(
        metric("curve_mean"),
        label=f"mean {measured.label}",
        format=measured.format,
        unit=measured.unit,
        higher_is_better=measured.higher_is_better,
    )
    return Outcome(summary, "learning", read)


def _mean_of(read: Callable[[Choice], float]) -> Callable[[Run], float]:
    """Return the mean over the decisions to which `read` applies."""

    def mean(run: Run) -> float:
        values = [value for choice in run.choices() if not math.isnan(value := read(choice))]
        return float(np.mean(values)) if values else math.nan

    return mean


def _diagnostic(name: str) -> Callable[[Choice], float]:
    return lambda choice: float(choice.diagnostics.get(name, math.nan))


def _field(name: str) -> Callable[[Choice], float]:
    return lambda choice: float(getattr(choice, name))


def _share(read: Callable[[Choice], bool]) -> Callable[[Run], tuple[int, int]]:
    def count(run: Run) -> tuple[int, int]:
        known = [choice for choice in run.choices() if choice.optimum is not None]
        return sum(map(read, known)), len(known)

    return count


def _proportion(name: str, read: Callable[[Choice], bool]) -> Outcome:
    trials = _share(read)

    def share(run: Run) -> float:
        successes, count = trials(run)
        return successes / count if count else math.nan

    return Outcome(metric(name), "decision", share, trials=trials)


def _cost(name: str) -> Callable[[Run], float]:
    return lambda run: float(getattr(run.costs(), name))


def _clock(name: str) -> Callable[[Run], float]:
    return lambda run: float(sum(getattr(r.timings, name) for r in run.row.rounds))


def _key_bits_left(run: Run) -> float:
    left = pool_levels(run)
    return float(sum(left[-1][1].values())) if left else math.nan


def pool_levels(run: Run) -> list[tuple[int, dict[str, int]]]:
    """Return round -> client -> key bits in its pool, of the clients called so far."""
    levels: dict[str, int] = {}
    found = []
    for record in run.row.rounds:
        if record.links:
            levels = levels | {event.client: event.key_bits_left for event in record.links}
            found.append((record.round, levels))
    return found


def _mean_qber(run: Run) -> float:
    seen = [
        event.qber
        for record in run.row.rounds
        for event in record.links
        if event.qber is not None and not event.aborted
    ]
    return float(np.mean(seen)) if seen else math.nan


_COSTS = ("payload_bytes_up", "payload_bytes_down", "energy_joules", "virtual_seconds")
_KEYS = ("key_bits_produced", "key_bits_used", "aborted_sessions")
_CLOCKS = (
    "classical_seconds",
    "quantum_seconds",
    "training_seconds",
    "channel_seconds",
    "total_seconds",
)
_DECISIONS = (
    Outcome(metric("approximation_ratio"), "decision", _mean_of(approximation_ratio)),
    _proportion("optimum_hit", is_optimum),
    _proportion("feasible", _unrepaired),
    *(
        Outcome(metric(name), "decision", _mean_of(_diagnostic(name)))
        for name in ("optimum_probability", "in_constraint_probability")
    ),
    *(
        Outcome(metric(name), "bill", _mean_of(_field(name)))
        for name in ("evaluations", "shots", "qubits", "depth", "two_qubit_gates")
    ),
)
