"""The headline: one sentence with effect, interval and n, or an honest refusal to make one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from qfl.core.errors import ConfigError
from qfl.core.metrics import metric
from qfl.report.runs.results import HeadlineRequest, Results
from qfl.report.statistics.compare import Difference, Family, headline_outcome, primary
from qfl.report.statistics.intervals import ALPHA, BOOTSTRAP_FROM, censored_median
from qfl.report.words import count, display, p_text

Side = tuple[str, str, str]
Verdict = Literal["difference", "no difference", "no claim"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One declared comparison in words.

    Attributes:
        verdict: what may be said.
        text: with effect, interval and n.
        detail: test, p and kind of interval.
        sides: (method, its number, what it counts) of both sides.
    """

    verdict: Verdict
    text: str
    detail: str
    difference: Difference
    sides: tuple[Side, ...]

    @property
    def effect(self) -> tuple[str, str]:
        """The paired difference and its interval as text."""
        point, _, bracket = interval_text(self.difference).partition(" [")
        return point, f"[{bracket}" if bracket else ""


@dataclass(frozen=True, slots=True)
class Headline:
    """The answer to the study's question.

    Attributes:
        verdict: the strongest that any statement allows.
        sentence: the one statement, or how many of them found a difference.
        statements: one per setting and variant of the method.
    """

    verdict: Verdict
    sentence: str
    statements: tuple[Statement, ...] = ()


def headline(results: Results) -> Headline:
    """Return the answer to the study's question."""
    request, family = results.headline, primary(results)
    if request is None or family is None:
        methods = count(len(results.methods), "method")
        return Headline(
            "no claim", f"No headline comparison was declared; {methods} are described below."
        )
    if not family.differences:
        return Headline("no claim", _nothing_to_compare(results, request))
    made = tuple(_statement(results, family, found) for found in family.differences)
    found = sum(statement.verdict == "difference" for statement in made)
    verdict = "difference" if found else made[0].verdict
    if len(made) > 1:
        return Headline(verdict, _overview(request, family, found), made)
    prefix = {"no claim": f"No claim: {family.refusal}. ", "no difference": _NONE_FOUND}
    return Headline(verdict, prefix.get(verdict, "") + made[0].text, made)


_NONE_FOUND = "No difference was found: "


def _overview(request: HeadlineRequest, family: Family, found: int) -> str:
    if family.refusal:
        return f"No claim: {family.refusal}."
    sides = f"of {display(request.method)} with {display(request.baseline)}"
    total = len(family.differences)
    if not found:
        return f"No difference was found in any of {total} comparisons {sides}."
    return f"A difference was found in {found} of {total} comparisons {sides}."


def _nothing_to_compare(results: Results, request: HeadlineRequest) -> str:
    sides = (request.method, request.baseline)
    if absent := [name for name in sides if not results.variants(name)]:
        return f"No claim: there is no finished cell of {_either(absent)}."
    outcome = headline_outcome(request)
    runs = [[run for run in results.runs if run.label == name] for name in sides]
    if not set.intersection(*({(run.setting, run.pairing) for run in own} for own in runs)):
        return "No claim: there is no seed that both methods finished."
    silent = [
        name
        for name, own in zip(sides, runs, strict=True)
        if all(math.isnan(outcome.read(run)) for run in own)
    ]
    if silent:
        measured = metric(request.metric)
        return (
            f"No claim: {measured.label} ({measured.definition}) has no value in any run of "
            f"{_either(silent)}."
        )
    return f"No claim: there is no seed on which both methods have a {outcome.metric.label}."


def _either(names: list[str]) -> str:
    return " or ".join(display(name) for name in names)


def _statement(results: Results, family: Family, found: Difference) -> Statement:
    text, sides = _facts(results, found)
    verdict: Verdict = "no difference"
    if family.refusal:
        verdict = "no claim"
    elif found.found:
        verdict = "difference"
    return Statement(verdict, text, _detail(found), found, sides)


def _facts(results: Results, found: Difference) -> tuple[str, tuple[Side, ...]]:
    """Return the sentence without its verdict, and the two numbers in it."""
    request = results.headline
    if request is None:
        raise ConfigError("a comparison needs a declared headline")
    measured, group = metric(request.metric), found.outcome.group
    first, second = display(found.method), display(found.baseline)
    effect = f"difference {interval_text(found)}, {count(len(found.pairs), results.unit)}"
    a, b = ([pair[side] for pair in found.pairs] for side in (1, 2))
    if request.target is None:
        texts = [measured.text(sum(v) / len(v)) for v in (a, b)]
        sentence = (
            f"{first} ended at {texts[0]} {measured.label}, {second} at {texts[1]}; {effect}."
        )
        if group != "learning":
            kind = "final" if group in ("modality", "clients") else "mean"
            sentence = (
                f"{first} has a {kind} {measured.label} of {texts[0]}, {second} of {texts[1]}; "
                f"{effect}."
            )
        return sentence, _sides(found, texts, "")
    target = f"{measured.short(request.target)} {measured.label}"
    end = found.end
    if not found.censored:
        texts = [found.outcome.metric.text(sum(v) / len(v)) for v in (a, b)]
        sentence = (
            f"{first} reached {target} in {texts[0]} rounds, {second} in {texts[1]}; {effect}."
        )
        return sentence, _sides(found, texts, "rounds")
    texts = [_median(v, end) for v in (a, b)]
    sides = _sides(found, texts, "rounds, median")
    reached = [sum(map(math.isfinite, v)) for v in (a, b)]
    if not any(reached):
        return (
            f"neither {first} nor {second} reached {target} within {end:.0f} rounds "
            f"in any of {count(len(found.pairs), 'seed')}."
        ), sides
    n = len(found.pairs)
    return (
        f"{first} reached {target} in {reached[0]} of {n} runs (median {texts[0]} rounds), "
        f"{second} in {reached[1]} of {n} (median {texts[1]}); "
        f"within {end:.0f} rounds, {effect}."
    ), sides


def _sides(found: Difference, texts: list[str], unit: str) -> tuple[Side, ...]:
    return (found.method, texts[0], unit), (found.baseline, texts[1], unit)


def interval_text(found: Difference) -> str:
    """Return "effect [low, high]"."""
    measured, interval = found.outcome.metric, found.interval
    point = measured.difference_text(interval.estimate)
    if not interval.known:
        return f"{point} (one seed, no interval)"
    low, high = (measured.difference_text(x, unit=False) for x in (interval.low, interval.high))
    return f"{point} [{low}, {high}]"


def _detail(found: Difference) -> str:
    interval, parts = found.interval, []
    if found.test is not None and found.adjusted_p is not None:
        kind = "Exact" if found.test.exact else "Randomised"
        name = "log-rank test, permuted within pairs" if found.censored else "sign-flip test"
        parts.append(
            f"{kind} paired {name}: p = {p_text(found.adjusted_p)} "
            f"(the smallest that {count(found.test.n, 'pair')} can give is "
            f"{p_text(found.test.smallest)})."
        )
        if (found.adjusted_p <= ALPHA) != interval.excludes(0.0):
            parts.append("Test and interval disagree, and a claim needs both.")
    if interval.known:
        hint = ", indicative below ten seeds" if interval.n < BOOTSTRAP_FROM else ""
        parts.append(f"Brackets: 95 % {interval.method} interval of the paired difference{hint}.")
    return " ".join(parts)


def _median(values: list[float], end: float) -> str:
    middle = censored_median(values)
    return f"> {end:.0f}" if math.isinf(middle) else f"{middle:.1f}"
