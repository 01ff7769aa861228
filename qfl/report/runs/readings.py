"""The numbers that are read off one finished run: its decisions, its bill, its keys, its clock.

A number that does not apply to a run is NaN; one that it never reaches is infinite. What they are
called and how seeds are summarised is in `qfl.report.statistics.outcomes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qfl.core.choice import Choice
from qfl.report.runs.pools import pool_levels
from qfl.report.runs.results import Run
from qfl.solvers.quality import time_to_solution

SURE = 0.99
"""Probability with which a time to solution has seen the optimum."""


def success(run: Run) -> float:
    """Return how likely one decision of this run is the optimum, NaN where that is not known.

    Where the chance of one sample is known exactly and nothing is done to samples, it follows
    from that; else it is the share of the run's repetitions.
    """
    choices = run.choices()
    if not choices or choices[0].optimum is None:
        return math.nan
    if (one := _one_sample(run)) is not None:
        return 1.0 - (1.0 - one) ** max(1, choices[0].shots)
    return float(np.mean([choice.is_optimum for choice in choices]))


def samples_to_solution(run: Run) -> float:
    """Return the samples until the optimum was seen with probability `SURE`, infinite if never.

    NaN for a method that takes none, such as one that reads the coefficients.
    """
    choices = run.choices()
    if (one := _one_sample(run)) is not None:
        return _repetitions(one)
    each = float(np.mean([choice.shots or choice.evaluations for choice in choices]))
    if each == 0:
        return math.nan
    return each * _repetitions(success(run))


def seconds_to_solution(run: Run) -> float:
    """Return the real seconds of decisions until one was the optimum with probability `SURE`."""
    return decision_seconds(run) * _repetitions(success(run))


def decision_seconds(run: Run) -> float:
    """Return the real seconds of one decision; the median, because the first may compile."""
    return float(np.median([record.timings.total_seconds for record in run.row.rounds]))


def unrepaired(choice: Choice) -> bool:
    """Return whether the decision satisfied its constraint before any repair."""
    return choice.feasible and not choice.diagnostics.get("repaired")


def mean_of(read: Callable[[Choice], float]) -> Callable[[Run], float]:
    """Return the mean over the decisions to which `read` applies."""

    def mean(run: Run) -> float:
        values = [value for choice in run.choices() if not math.isnan(value := read(choice))]
        return float(np.mean(values)) if values else math.nan

    return mean


def figure(name: str) -> Callable[[Choice], float]:
    """Return the reader of one figure of merit of a decision, NaN where it is not known."""
    return lambda choice: choice.figures().get(name, math.nan)


def bill(name: str) -> Callable[[Choice], float]:
    """Return the reader of one field of a decision, such as its shots."""
    return lambda choice: float(getattr(choice, name))


def counted(read: Callable[[Choice], bool]) -> Callable[[Run], tuple[int, int]]:
    """Return the reader of (how often `read` holds, of how many decisions with a known optimum)."""

    def count(run: Run) -> tuple[int, int]:
        known = [choice for choice in run.choices() if choice.optimum is not None]
        return sum(map(read, known)), len(known)

    return count


def cost(name: str) -> Callable[[Run], float]:
    """Return the reader of one cost, summed over the rounds."""
    return lambda run: float(getattr(run.costs(), name))


def clock(name: str) -> Callable[[Run], float]:
    """Return the reader of one kind of real seconds, summed over the rounds."""
    return lambda run: float(sum(getattr(r.timings, name) for r in run.row.rounds))


def key_bits_left(run: Run) -> float:
    """Return the key bits in all pools at the end, NaN where there are none."""
    found = pool_levels(run)
    return float(found[-1].total) if found else math.nan


def mean_qber(run: Run) -> float:
    """Return the mean error rate of the key exchanges that were not aborted, NaN without any."""
    seen = [
        event.qber
        for record in run.row.rounds
        for event in record.links
        if event.qber is not None and not event.aborted
    ]
    return float(np.mean(seen)) if seen else math.nan


def slot_ratio(run: Run) -> float:
    """Return the mean approximation ratio of the slot decisions, NaN where none is known."""
    known = [slots.ratio(slots.energy) for slots in _slots(run)]
    known = [ratio for ratio in known if not math.isnan(ratio)]
    return float(np.mean(known)) if known else math.nan


def slot_optimum(run: Run) -> float:
    """Return the share of slot decisions that are the optimum, NaN where none is known."""
    known = [slots.is_optimum for slots in _slots(run) if slots.optimum is not None]
    return float(np.mean(known)) if known else math.nan


def round_seconds(run: Run) -> float:
    """Return the mean length of the rounds in which uploads took turns."""
    waited = [r.costs.virtual_seconds for r in run.row.rounds if r.slots is not None]
    return float(np.mean(waited)) if waited else math.nan


def _one_sample(run: Run) -> float | None:
    """Return the chance that one sample is the optimum, None where unknown or post-processed."""
    if run.row.cell.solver.get("postprocess", "none") != "none":
        return None
    found = [choice.figures().get("optimum_probability") for choice in run.choices()]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if found and len(known) == len(found) else None


def _repetitions(probability: float) -> float:
    """Return how many tries succeed at least once with probability `SURE`, at least 1."""
    if math.isnan(probability):
        return math.nan
    return max(1.0, time_to_solution(probability, 1.0, target=SURE))


def _slots(run: Run) -> list[Choice]:
    return [record.slots for record in run.row.rounds if record.slots is not None]
