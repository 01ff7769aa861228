"""Everything a report says, computed once: headline, families, summaries, tables, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qfl.core.metrics import metric
from qfl.report.charts import dotplots, figures, lineplots
from qfl.report.charts.datasets import ROUNDS, Columns, bands_table, rounds_table
from qfl.report.charts.figures import Figure
from qfl.report.charts.palette import Style, styles
from qfl.report.deciding import decisions, devices
from qfl.report.deciding.equal_time import equal_time_table
from qfl.report.learning import (
    attribution,
    by_task,
    clusters,
    forgetting,
    slopes,
    staleness,
    streams,
    trained_pairs,
)
from qfl.report.protecting import link_figures, protection, reach
from qfl.report.protecting.links import Link, aborts, links, poorest_pools
from qfl.report.runs.results import Results, Run
from qfl.report.statistics.compare import Family, finals, primary, secondary, unpaired
from qfl.report.statistics.curves import Curve, curves
from qfl.report.statistics.headline import Headline, headline
from qfl.report.statistics.outcomes import Group, Summary, summaries
from qfl.report.tables import Table, summary_table
from qfl.report.writing import listings


@dataclass(frozen=True, slots=True)
class Analysis:
    """The content of one report.

    Attributes:
        families: the declared comparison first.
        tables: key -> finished table.
        data: the numbers that figures share: a table of rounds, and one of bands per metric.
        sections: section -> its figures, in order.
    """

    results: Results
    styles: tuple[Style, ...]
    headline: Headline
    families: tuple[Family, ...]
    unpaired: tuple[Run, ...]
    summaries: tuple[Summary, ...]
    tables: dict[str, Table]
    data: dict[str, Columns]
    sections: dict[str, tuple[Figure, ...]]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures in the order of the page."""
        return tuple(figure for section in self.sections.values() for figure in section)


def analyse(results: Results) -> Analysis:
    """Return the content of the report of `results`."""
    looks = styles(results)
    read_off = summaries(results)
    drawn = {name: found for name in results.main_metrics if (found := curves(results, name))}
    staged = {name: curves(results, name) for name in results.stage_metrics}
    exchanged = links(results)
    asked = (primary(results), secondary(results), finals(results))
    families = tuple(family for family in asked if family is not None)
    return Analysis(
        results=results,
        styles=looks,
        headline=headline(results),
        families=families,
        unpaired=unpaired(results),
        summaries=read_off,
        tables=_tables(results, read_off, families, exchanged),
        data=({ROUNDS: rounds_table(results)} if results.trains else {})
        | {name: bands_table(found) for name, found in (drawn | staged).items()},
        sections={
            **_comparisons(families),
            **_learning(results, looks, drawn),
            "decisions": _intervals(read_off, looks, _DECISIONS),
            "axes": () if results.trains else _along_axes(results, looks),
            "devices": _devices(results, read_off, looks),
            "forgetting": _intervals(read_off, looks, forgetting.DRAWN),
            "stream": (
                *(figures.curve_figure(found, looks) for found in staged.values()),
                *_intervals(streams.drawn(read_off), looks, streams.DRAWN),
            ),
            "slots": _intervals(read_off, looks, _SLOTS),
            "costs": _intervals(read_off, looks, _COSTS),
            "security": _security(results, exchanged),
            "privacy": protection.epsilon_figure(results, looks),
            "reach": reach.rates_figure(results),
        },
    )


def _tables(
    results: Results,
    read_off: Sequence[Summary],
    families: Sequence[Family],
    exchanged: Sequence[Link],
) -> dict[str, Table]:
    made = (
        *(
            summary_table(
                results,
                _of_samplers(read_off) if key == "devices" else read_off,
                key=key,
                caption=caption,
                groups=groups,
                note=note,
            )
            for key, caption, groups, note in _SUMMARIES
        ),
        *(
            decisions.by_setting(results, () if results.trains else read_off, name)
            for name in BY_SIZE
        ),
        *protection.matrix_tables(results, read_off),
        by_task.tasks_table(results),
        slopes.slopes_table(results),
        trained_pairs.trained_pairs_table(results),
        staleness.staleness_table(results),
        forgetting.forgetting_table(results, read_off),
        streams.stream_table(results, read_off),
        streams.clients_table(results, read_off),
        streams.verdicts_table(results),
        streams.matrix_table(results),
        clusters.clusters_table(results),
        attribution.attribution_table(results),
        protection.sums_table(results),
        protection.privacy_table(results),
        reach.pads_table(results),
        reach.attacks_table(results),
        decisions.wins_table(results),
        decisions.time_wins_table(results),
        equal_time_table(results),
        devices.gaps_table(results),
        devices.gains_table(results),
        devices.model_table(results),
        devices.calibrations_table(results),
        devices.published_table(results, read_off),
        listings.pairs_table(families),
        listings.links_table(exchanged),
        listings.aborts_table(aborts(results), cells=len(results.runs)),
        listings.heterogeneity_table(results),
        listings.models_table(results),
        listings.options_table(results),
        listings.unfinished_table(results),
        listings.cells_table(results),
    )
    return {table.key: table for table in made}


def _of_samplers(read_off: Sequence[Summary]) -> tuple[Summary, ...]:
    """Return everything about the methods whose samples are judged, where circuits meet noise."""
    those = {(s.setting, s.method) for s in read_off if s.outcome.group == "samples"}
    return tuple(s for s in read_off if (s.setting, s.method) in those)


def _comparisons(families: Sequence[Family]) -> dict[str, tuple[Figure, ...]]:
    drawn = {
        family.name: dotplots.differences_figure(
            family.differences,
            key=f"differences-{family.name}",
            title=f"Difference in {family.differences[0].outcome.metric.label}",
        )
        for family in families
        if family.differences
    }
    return {
        "headline": tuple(drawn[name] for name in ("primary",) if name in drawn),
        "comparison": tuple(drawn[name] for name in ("secondary", "descriptive") if name in drawn),
    }


def _learning(
    results: Results, looks: Sequence[Style], drawn: Mapping[str, Sequence[Curve]]
) -> dict[str, tuple[Figure, ...]]:
    request = results.headline
    baseline = "".join(results.variants(request.baseline)[:1]) if request else ""
    target = {request.metric: request.target} if request else {}
    first = next(iter(drawn), None)
    learning = tuple(
        figures.curve_figure(found, looks, target=target.get(name), wide=name == first)
        for name, found in drawn.items()
    )
    if first is None:
        return {"learning": (), "seeds": ()}
    with_curve = {curve.method for curve in drawn[first]}
    values = np.concatenate([run.curve(first) for run in results.runs])
    span = (float(values.min()), float(values.max()))
    seeds = tuple(
        figures.seeds_figure(metric(first), style, baseline=baseline, span=span)
        for style in looks
        if style.method in with_curve
    )
    return {"learning": learning, "seeds": seeds}


_SPREAD = "± is half of the 95 % interval of the mean over seeds."
_POOLED = "Shares pool the decisions of all rounds and seeds; brackets are Wilson intervals."
_MEDIAN = (
    "TTS is the median over instances; brackets are a 95 % interval between order statistics. ∞: "
    "half of the instances or more were never solved."
)
_BILLED = "Means over rounds, then over seeds."
_RAN = (
    "“One sample” is exact, from the distribution of a simulator that knows it; the columns that "
    "follow are estimated from the samples drawn. Depth and two-qubit gates are those "
    "after transpilation where there is a device or its snapshot, else those of the circuit with "
    "all-to-all connections; depth counts layers of two-qubit gates. Random samples are uniform "
    "and feasible, and have no circuit."
)
_SUMMARIES: tuple[tuple[str, str, tuple[Group, ...], str], ...] = (
    ("comparison", "Learning, by method", ("learning",), _SPREAD),
    ("clients", "Clients' own models on their own test samples, by method", ("clients",), _SPREAD),
    ("modalities", "Final values with some modalities alone, by method", ("modality",), _SPREAD),
    ("decisions", "Decisions, by method", ("decision", "exact"), _POOLED),
    (
        "devices",
        "Samples of the circuits, by method",
        ("exact", "samples", "circuit", "speed"),
        _RAN,
    ),
    ("solutions", "Time to solution, by method", ("solution", "speed"), _MEDIAN),
    ("slots", "Uplink schedules, by method", ("slots",), _SPREAD),
    ("bills", "One decision costs, by method", ("bill", "circuit"), _BILLED),
    ("costs", "One training run costs, by method", ("cost", "clock"), _SPREAD),
    ("security", "Keys of one training run, by method", ("security",), _SPREAD),
)
BY_SIZE = ("approximation_ratio", "optimum_probability", "tts_samples", "tts_seconds")
"""Outcomes that have a table of methods by sizes where nobody trains."""
_SLOTS = ("slot_ratio", "round_seconds")
_DECISIONS = ("approximation_ratio", "optimum_hit", "optimum_probability")
_COSTS = ("virtual_seconds", "energy_joules", "total_seconds")


def _along_axes(results: Results, looks: Sequence[Style]) -> tuple[Figure, ...]:
    """Return quality along every numeric axis, and success against samples."""
    drawn = []
    for axis in decisions.axes(results):
        for name in ("approximation_ratio", "sample_ratio", "optimum_probability"):
            if found := decisions.points(results, name, axis):
                caption = "Mean over instances with its 95 % interval."
                if {point.line for point in found} == set(results.representatives()):
                    caption += " Of methods with axes of their own, the last variant."
                drawn.append(
                    lineplots.axis_figure(found, looks, name=name, axis=axis, caption=caption)
                )
    if grown := decisions.growth(results):
        drawn.append(lineplots.growth_figure(grown, looks))
    return tuple(drawn)


def _devices(
    results: Results, read_off: Sequence[Summary], looks: Sequence[Style]
) -> tuple[Figure, ...]:
    """Return what samples were worth by backend, and published devices beside their snapshots."""
    told_apart = [s for s in read_off if len(_values(read_off, s.outcome.metric.name)) > 1]
    names = tuple(outcome.metric.name for outcome in devices.figures(results))
    drawn = _intervals(told_apart, looks, names)
    told = devices.beside(results, read_off)
    return (*drawn, dotplots.published_figure(told)) if told else drawn


def _values(read_off: Sequence[Summary], name: str) -> set[float]:
    return {v for s in read_off if s.outcome.metric.name == name for v in s.values.values()}


def _security(results: Results, exchanged: Sequence[Link]) -> tuple[Figure, ...]:
    found = [link for link in exchanged if link.qber or link.aborted_qber]
    if not found:
        return ()
    return link_figures.qber_figure(found), link_figures.pools_figure(poorest_pools(results))


def _intervals(
    read_off: Sequence[Summary], looks: Sequence[Style], names: tuple[str, ...]
) -> tuple[Figure, ...]:
    groups = ([s for s in read_off if s.outcome.metric.name == name] for name in names)
    return tuple(dotplots.interval_figure(group, looks) for group in groups if group)
