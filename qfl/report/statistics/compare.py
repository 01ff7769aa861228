"""Paired comparisons: effect, interval, test, and the family whose alpha they share.

A claim needs both: the exact paired test below alpha and an interval that excludes zero. If the
number of pairs cannot reach alpha, no p-value is printed at all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.rng import Streams
from qfl.report.runs.results import HeadlineRequest, Results, Run
from qfl.report.statistics.intervals import ALPHA, Interval, mean_interval
from qfl.report.statistics.outcomes import Outcome, final_value, named, time_to_target
from qfl.report.statistics.significance import (
    PairedTest,
    holm,
    paired_log_rank,
    paired_sign_flip,
    pairs_needed,
)
from qfl.report.words import count, p_text


@dataclass(frozen=True, slots=True)
class Difference:
    """One method minus another on the seeds that both finished.

    Attributes:
        pairs: (seed, value of the method, value of the baseline); censored values are infinite.
        interval: of the mean paired difference; censored values count as the end.
        test: None if there is no pair, or too few pairs for this family.
        adjusted_p: Holm's, within the family; None without a test.
        censored: at least one value did not reach the target.
        end: when observation ended; infinite for outcomes that cannot be censored.
    """

    outcome: Outcome
    setting: str
    method: str
    baseline: str
    pairs: tuple[tuple[int, float, float], ...]
    interval: Interval
    test: PairedTest | None
    adjusted_p: float | None
    censored: bool
    end: float

    @property
    def found(self) -> bool:
        """True if the test and the interval agree that there is a difference."""
        return (
            self.adjusted_p is not None and self.adjusted_p <= ALPHA and self.interval.excludes(0.0)
        )


@dataclass(frozen=True, slots=True)
class Family:
    """Comparisons that share one alpha.

    Attributes:
        refusal: why no p-values are printed, or "".
    """

    name: str
    differences: tuple[Difference, ...]
    refusal: str


def primary(results: Results) -> Family | None:
    """Return the declared comparison, once per setting; None if the study declared none."""
    request = results.headline
    if request is None:
        return None
    return _family("primary", results, request, results.variants(request.baseline))


def secondary(results: Results) -> Family | None:
    """Return the headline's method against every method that is not the declared baseline.

    Where nobody trains, wins over instances take the place of this family (`decisions.py`).
    """
    request = results.headline
    if request is None or not results.trains:
        return None
    declared = {*results.variants(request.method), *results.variants(request.baseline)}
    others = tuple(method for method in results.methods if method not in declared)
    return _family("secondary", results, request, others)


def finals(results: Results) -> Family | None:
    """Return the headline's method against every other on the final metric, untested."""
    request = results.headline
    if request is None or request.target is None:
        return None
    own = results.variants(request.method)
    outcome = final_value(request.metric)
    found = tuple(
        gap
        for setting in results.settings
        for method in own
        for other in results.methods
        if other not in own
        and (first := results.of(setting, method))
        and (second := results.of(setting, other))
        and (gap := difference(outcome, first, second, tested=False)) is not None
    )
    return Family("descriptive", found, "final values are described by intervals, not tested")


def asked(results: Results, method: str, baseline: str, name: str) -> tuple[Difference, ...]:
    """Return one method minus another in every setting, untested: a metric at the end of its runs.

    Args:
        method, baseline: labels of the study; each variant of one meets each of the other.
        name: of a metric, such as "digit.accuracy" or "score@personal".

    Raises:
        UnknownNameError: there is no such method or metric.
        ConfigError: there is no seed on which both have a value.
    """
    for label in (method, baseline):
        if not results.variants(label):
            raise UnknownNameError("method", label, {run.label for run in results.runs})
    outcome = named(name)
    found = tuple(
        gap
        for setting in results.settings
        for one in results.variants(method)
        for other in results.variants(baseline)
        if (first := results.of(setting, one))
        and (second := results.of(setting, other))
        and (gap := difference(outcome, first, second, tested=False)) is not None
    )
    if not found:
        raise ConfigError(
            f"{method} and {baseline} have no seed on which both have a value of {name}; "
            f"measured at the end of rounds: {', '.join(results.metrics)}"
        )
    return found


def headline_outcome(request: HeadlineRequest) -> Outcome:
    """Return what the headline compares: rounds to the target, or the final value."""
    if request.target is None:
        return named(request.metric)
    return time_to_target(request, "round", "rounds_to_target")


def difference(
    outcome: Outcome, first: tuple[Run, ...], second: tuple[Run, ...], *, tested: bool
) -> Difference | None:
    """Return first minus second over their common seeds; None without a common seed."""
    left = {run.seed: run for run in first}
    right = {run.seed: run for run in second}
    pairs = tuple(
        (seed, outcome.read(left[seed]), outcome.read(right[seed]))
        for seed in sorted(left.keys() & right.keys())
        if left[seed].pairing == right[seed].pairing
    )
    pairs = tuple(pair for pair in pairs if not any(map(math.isnan, pair[1:])))
    if not pairs:
        return None
    a, b = (np.array([pair[side] for pair in pairs]) for side in (1, 2))
    end = math.inf
    if outcome.end is not None:
        end = max(outcome.end(run) for run in (*first, *second))
    censored = not bool(np.isfinite([a, b]).all())
    gaps = np.minimum(a, end) - np.minimum(b, end)
    rng = Streams(0)("permutation")
    test = None
    if tested and censored:
        test = paired_log_rank(a, b, censored_at=end, rng=rng)
    elif tested:
        test = paired_sign_flip(gaps, rng=rng)
    return Difference(
        outcome=outcome,
        setting=first[0].setting,
        method=first[0].method,
        baseline=second[0].method,
        pairs=pairs,
        interval=mean_interval(gaps, rng=Streams(0)("bootstrap")),
        test=test,
        adjusted_p=None if test is None else test.p,
        censored=censored,
        end=end,
    )


def unpaired(results: Results) -> tuple[Run, ...]:
    """Return runs that some other method of their setting has no partner for."""
    met: dict[tuple[str, str], set[str]] = defaultdict(set)
    there: dict[str, set[str]] = defaultdict(set)
    for run in results.runs:
        met[run.setting, run.pairing].add(run.method)
        there[run.setting].add(run.method)
    return tuple(run for run in results.runs if met[run.setting, run.pairing] != there[run.setting])


def _family(
    name: str, results: Results, request: HeadlineRequest, others: tuple[str, ...]
) -> Family:
    """Return the headline's method minus each of `others`; tested only if all of them can be."""
    outcome = headline_outcome(request)
    sides = [
        (results.of(setting, method), results.of(setting, other))
        for setting in results.settings
        for method in results.variants(request.method)
        for other in others
        if not _silent(outcome, results.of(setting, other))
    ]
    sides = [(first, second) for first, second in sides if first and second]
    plain = [difference(outcome, first, second, tested=False) for first, second in sides]
    fewest = min((len(d.pairs) for d in plain if d is not None), default=0)
    needed = pairs_needed(max(1, len(sides)))
    if fewest < needed:
        found = tuple(d for d in plain if d is not None)
        return Family(name, found, _refusal(fewest, needed, len(sides)))
    tested = [difference(outcome, first, second, tested=True) for first, second in sides]
    kept = [d for d in tested if d is not None]
    adjusted = holm([d.test.p for d in kept if d.test is not None])
    return Family(
        name, tuple(replace(d, adjusted_p=p) for d, p in zip(kept, adjusted, strict=True)), ""
    )


def _silent(outcome: Outcome, runs: tuple[Run, ...]) -> bool:
    """Return True if the outcome applies to none of these runs: there is nothing to compare."""
    return bool(runs) and all(math.isnan(outcome.read(run)) for run in runs)


def _refusal(pairs: int, needed: int, comparisons: int) -> str:
    if comparisons == 0 or pairs == 0:
        return "no two methods have a value on the same seed"
    family = "" if comparisons == 1 else f" for {count(comparisons, 'comparison')} with Holm"
    return (
        f"{count(pairs, 'paired seed')} cannot reach p < {p_text(ALPHA)} in an exact test{family}: "
        f"at least {needed} are needed"
    )
