"""The Methods section, generated from what ran: design, budgets, families, tests, honesty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qfl.core.metric import Metric
from qfl.core.metrics import metric
from qfl.data import DATASETS
from qfl.report.deciding.decisions import ranks
from qfl.report.deciding.devices import MODEL_ERROR
from qfl.report.deciding.places import places, resolved_options
from qfl.report.learning import forgetting, streams
from qfl.report.runs import exclusions
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.compare import Family, headline_outcome
from qfl.report.statistics.intervals import ALPHA, BOOTSTRAP_FROM
from qfl.report.statistics.outcomes import sampled, summarise
from qfl.report.statistics.significance import friedman, rank_refusal
from qfl.report.words import count, display, listed, p_text
from qfl.security import HONESTY
from qfl.solvers.schedules import SCHEDULES

_CIRCUIT_BILL = (
    "Circuit sizes are those after transpilation on a device or its snapshot; elsewhere they count "
    "a gate circuit with all-to-all connections. Two-qubit gates and the layers that hold them "
    "count; an exact complete mixer is billed as one Trotter step, a lower bound. Where no sample "
    "is feasible, the one that violates least is repaired by single flips. Angles from a table "
    "were optimised once, on other instances; that cost is not in the budget."
)
_MODEL = (
    "Under the gate-count noise model a shot survives with probability (1 - e)^G for G two-qubit "
    "gates of error e and is a uniform bit string otherwise."
)
_SNAPSHOTS = (
    "A snapshot is a device's stored calibration: depolarising noise and relaxation after every "
    "gate, asymmetric readout, all for the qubits used. Crosstalk and leakage are not in it, and "
    "relaxation of idle qubits only where a method has idle_errors, so it is a best case. Slow "
    "frequency errors (drift_hz) are an assumption: no calibration reports them."
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A heading and its text."""

    heading: str
    text: str


def paragraphs(
    results: Results, families: Sequence[Family], unpaired: tuple[Run, ...]
) -> tuple[Paragraph, ...]:
    """Return the Methods section."""
    found = [
        Paragraph("Design", _design(results, unpaired)),
        Paragraph("Unit of replication", _replication(results)),
        Paragraph("Data", _data(results)),
        Paragraph("Budget", _budget(results)),
        Paragraph("Circuits", _circuits(results)),
        *(Paragraph(_FAMILIES[family.name], _family(family)) for family in families),
        Paragraph("Ranks", _ranks(results)),
        Paragraph("Censoring", _censoring(results)),
        Paragraph("Curves", _CURVES if results.trains else ""),
        Paragraph("Modules", _modules(results)),
        Paragraph("Left out", exclusions.paragraph(results)),
        Paragraph("Forgetting", forgetting.method(results)),
        Paragraph("Stream", streams.method(results)),
        Paragraph("Time to solution", "" if results.trains else _SOLUTION),
        Paragraph("Marks in tables", _MARKS),
        Paragraph("Definitions", _definitions(results)),
    ]
    heard = any(record.links for run in results.runs for record in run.row.rounds)
    told = f"{HONESTY}{_eavesdropping(results)}" if heard else HONESTY
    found.append(Paragraph("Quantum key distribution", told))
    return tuple(paragraph for paragraph in found if paragraph.text)


def _design(results: Results, unpaired: tuple[Run, ...]) -> str:
    methods = len(results.methods)
    replicates = count(len(results.seeds), results.unit)
    met = "instance, partition and initial weights" if results.trains else "instance"
    settings = f" in {count(len(results.settings), 'setting')}" if len(results.settings) > 1 else ""
    text = (
        f"{count(methods, 'method')} on {replicates}{settings}. Runs are paired: two "
        "runs are compared only if everything but the method is equal, so they meet the same "
        f"{met}. "
    )
    if not unpaired:
        return text + "Every finished run has its partners."
    names = sorted(f"{display(run.method)} (seed {run.seed})" for run in unpaired)
    return text + f"Left out of comparisons that they have no partner for: {listed(names)}."


def _replication(results: Results) -> str:
    n = len(results.seeds)
    if n < BOOTSTRAP_FROM:
        kind = (
            f"Student's t; with n = {n} they are indicative, so every {results.unit} is drawn too. "
            f"From {BOOTSTRAP_FROM} {results.unit}s on they would be BCa bootstrap intervals"
        )
    else:
        kind = "BCa bootstrap (4,000 resamples)"
    if not results.trains and results.unit == "seed":
        return (
            "The seed: all seeds meet one published instance, so means and intervals are about the "
            f"luck of the shots and not about other instances. The 95 % intervals are {kind}."
        )
    if not results.trains:
        return (
            "The instance: one per seed and size. Repeated decisions of one instance are averaged "
            f"first. Means are over instances and their 95 % intervals are {kind}; shares that are "
            "0 or 1 on every instance have Wilson intervals over instances."
        )
    return (
        f"The seed. Means are over seeds and their 95 % intervals are {kind}. Proportions have "
        "Wilson intervals over pooled decisions; decisions of one run are not independent, so "
        "these intervals describe the decisions made, not other federations."
    )


def _budget(results: Results) -> str:
    lines = []
    for method in results.methods:
        runs = [run for run in results.runs if run.method == method]
        choices = [choice for run in runs for choice in run.choices()]
        if not choices:
            continue
        shots, evaluations = max(c.shots for c in choices), max(c.evaluations for c in choices)
        spent = [count(evaluations, "evaluation")] if evaluations else []
        spent += [count(shots, "shot")] if shots else []
        lines.append(f"{display(method)} {' and '.join(spent) or 'none'}")
    if not lines:
        return ""
    rounds = sorted({run.rounds for run in results.runs})
    if not results.trains:
        return (
            f"Every instance is decided {listed([str(r) for r in rounds])} times. Most spent on "
            f"one decision, training of angles included: {'; '.join(lines)}. Two comparisons are "
            "made: with the samples given, and by real time to solution."
        )
    return (
        f"Every run trains for {listed([str(r) for r in rounds])} rounds. "
        f"Most spent on one decision: {'; '.join(lines)}."
    )


def _data(results: Results) -> str:
    known = DATASETS.table()
    names = sorted({str(run.row.cell.scenario.get("data", "")) for run in results.runs})
    return " ".join(f"{name}: {known[name].summary}." for name in names if name in known)


def _circuits(results: Results) -> str:
    """What each circuit method ran, where, and what its bill leaves out."""
    lines = []
    for method in results.methods:
        solver = next(run.row.cell.solver for run in results.runs if run.method == method)
        if "backend" not in solver or "depth" not in solver:
            continue
        place = _place(str(solver["backend"]), solver["backend_options"])
        angles = f"; angles by schedule {solver['schedule']}" if "schedule" in solver else ""
        if solver.get("schedule") in SCHEDULES.rows:
            angles += f" ({SCHEDULES.row(solver['schedule']).summary})"
        shape = f"depth {solver['depth']}, mixer {solver['mixer']}"
        lines.append(f"{display(method)}: {shape}, on {place}{angles}.")
    if not lines:
        return ""
    lines += ["Options of a backend that are not named are at their defaults.", _CIRCUIT_BILL]
    if any(
        str(record.get("device")).startswith("fake_") for record in results.calibrations.values()
    ):
        lines.append(_SNAPSHOTS)
    if any(place.is_model for place in places(results).values()):
        lines += [_MODEL, MODEL_ERROR]
    return " ".join(lines)


def _place(backend: str, options: Mapping[str, Any]) -> str:
    """Return a backend with those of its options that are not at their defaults."""
    plain = resolved_options(backend, {})
    changed = {k: v for k, v in sorted(options.items()) if k not in plain or v != plain[k]}
    named = ", ".join(f"{key} = {value}" for key, value in changed.items() if value != {})
    return f"{backend} ({named})" if named else backend


def _modules(results: Results) -> str:
    """Return which modules are treated otherwise than the rest."""
    asked = {
        f"{pattern} ({', '.join(f'{name} {value}' for name, value in sorted(change.items()))})"
        for run in results.runs
        for pattern, change in run.row.cell.federation.get("modules", {}).items()
    }
    return f"Treated otherwise than the rest: {listed(sorted(asked))}." if asked else ""


def _eavesdropping(results: Results) -> str:
    rounds = {int(run.row.cell.federation.get("eavesdropped_round", 0)) for run in results.runs}
    if rounds <= {0}:
        return ""
    return (
        f" In round {listed([str(r) for r in sorted(rounds - {0})])} an intercept-resend "
        "eavesdropper sits on the quantum channel of the first client that is called, so every "
        "method loses one update, though not of the same client."
    )


def _family(family: Family) -> str:
    if not family.differences:
        return f"No test: {family.refusal}."
    outcome = family.differences[0].outcome.metric.label
    names = [
        f"{display(d.method)} minus {display(d.baseline)}"
        + (f" ({d.setting})" if d.setting else "")
        for d in family.differences
    ]
    if family.name == "descriptive":
        return f"{count(len(names), 'difference')} of {outcome}; {family.refusal}."
    declared = "declared before the run" if family.name == "primary" else "not declared before"
    text = (
        f"{count(len(names), 'comparison')} of {outcome}, {declared}: {listed(names)}. "
        f"Alpha is {p_text(ALPHA)}, two-sided"
    )
    if family.refusal:
        return f"{text}. No p-value is printed: {family.refusal}. Intervals are shown instead."
    kinds = sorted({_test_name(d.censored, d.test.exact) for d in family.differences if d.test})
    adjusted = ", adjusted by Holm's method" if len(names) > 1 else ""
    return (
        f"{text}{adjusted}. Test: {listed(kinds)}. A difference is claimed only if the test "
        "and the interval of the paired difference agree."
    )


def _test_name(censored: bool, exact: bool) -> str:
    kind = "exact" if exact else "randomised"
    if censored:
        return f"{kind} log-rank test permuted within pairs"
    return f"{kind} paired sign-flip permutation test"


def _ranks(results: Results) -> str:
    """Return Friedman's test over instances, or why there is none."""
    if not results.trains:
        return _instance_ranks(results)
    blocks, methods = len(results.settings), results.methods
    if refusal := rank_refusal(blocks, len(methods)):
        return f"No Friedman test: {refusal}."
    if results.headline is None:
        return ""
    outcome = headline_outcome(results.headline)
    cells = [[summarise(outcome, results.of(s, m)) for m in methods] for s in results.settings]
    table = [[cell.interval.estimate for cell in row if cell is not None] for row in cells]
    if any(len(row) < len(methods) for row in table):
        return "No Friedman test: some method is missing in some instance."
    better = bool(outcome.metric.higher_is_better)
    found = friedman(table, higher_is_better=better)
    order = sorted(zip(found.mean_ranks, methods, strict=True))
    return (
        f"{blocks} instances, seeds averaged first. Friedman on {outcome.metric.label}: chi-square "
        f"{found.statistic:.1f}, p = {p_text(found.p)}. Mean ranks, 1 is best: "
        f"{', '.join(f'{display(method)} {rank:.2f}' for rank, method in order)}. Two methods "
        f"differ if their ranks are {found.critical_difference:.2f} apart (Nemenyi, alpha "
        f"{p_text(ALPHA)})."
    )


def _instance_ranks(results: Results) -> str:
    """Return Friedman's test where every seed is an instance."""
    name = results.headline.metric if results.headline else "approximation_ratio"
    found = ranks(results, name)
    if isinstance(found, str):
        return f"No Friedman test: {found}."
    table, methods = found
    order = sorted(zip(table.mean_ranks, methods, strict=True))
    return (
        f"{table.blocks} instances of all sizes as blocks, repetitions averaged first; of methods "
        f"with axes of their own the last variant. Friedman on {metric(name).label}: chi-square "
        f"{table.statistic:.1f}, p = {p_text(table.p)}. Mean ranks, 1 is best: "
        f"{', '.join(f'{display(method)} {rank:.2f}' for rank, method in order)}. Two methods "
        f"differ if their ranks are {table.critical_difference:.2f} apart (Nemenyi, alpha "
        f"{p_text(ALPHA)})."
    )


def _censoring(results: Results) -> str:
    request = results.headline
    if request is None or request.target is None:
        return ""
    target = metric(request.metric).short(request.target)
    return (
        f"A run that never reaches {target} {metric(request.metric).label} is censored at its last "
        "round and never dropped: medians count it as later than that round, the log-rank test "
        "uses it as such, and the mean difference is restricted to the rounds observed."
    )


def _definitions(results: Results) -> str:
    names = ["approximation_ratio", "optimum_probability"]
    if results.trains:
        names = [*results.main_metrics, *names, "curve_mean", *forgetting.measured(results)]
        names += streams.measured(results)
    else:
        names += ["sample_ratio", "uniform_probability", "tts_samples", "tts_seconds"]
    names += [outcome.metric.name for outcome in sampled(results)]
    known = {metric(name).label: metric(name) for name in names}
    return " ".join(f"{_sentence(measured)}." for measured in known.values())


def _sentence(measured: Metric) -> str:
    return f"{measured.label[:1].upper()}{measured.label[1:]}: {measured.definition}"


_FAMILIES = {
    "primary": "Primary comparison",
    "secondary": "Secondary comparisons",
    "descriptive": "Final values",
}
_CURVES = (
    "Against rounds, seeds are averaged round by round. Against time or bytes, the value at a "
    "point is the last one measured by then, and a curve ends where its first seed ends. Bands "
    "are pointwise 95 % intervals of the mean; the median comes with its quartiles."
)
_SOLUTION = (
    "TTS repeats decisions until one is the optimum with probability 99 %: max(1, ln 0.01 / "
    "ln(1 − P)) times what one takes. P is exact where the chance of one sample is known, then "
    "samples are counted one by one; else it is the share of an instance's repetitions, so that "
    "chances below one in as many count as never. Samples leave out what training asked for, see "
    "Budget. Real seconds include the training of angles and "
    "the simulation of circuits on this machine; a quantum device would take other seconds. "
    "Ratios within 1e-9 and times within 10 % are ties."
)
_MARKS = (
    "Bold is best. ≈ marks a method whose paired 95 % interval of the difference from the best "
    "includes zero. These marks describe; they are not tests."
)
