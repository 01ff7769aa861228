"""What a study asks to see of links beside its runs: rates, pads, and attacks on a link.

From closed forms and short attacks with fixed seeds: no cell of the study is behind these numbers.
The physics is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qfl.core.rng import Streams
from qfl.report.charts import vega
from qfl.report.charts.datasets import columns
from qfl.report.charts.figures import Figure
from qfl.report.charts.palette import wheel
from qfl.report.runs.results import Results
from qfl.report.tables import Table, TableCell, TableRow, plain_columns
from qfl.security.attacks.outcome import AttackRow, Outcome

_POINTS = 81
_FLOOR = 1e-9
_BITS, _OWN_BITS = 16, 32
_MODELS = (("variational circuit", 64), ("LeNet-5", 61_706), ("ResNet-18", 11_689_512))
_DISTANCES = (10, 25, 50, 100, 150)
_TRIALS, _MODELS_ATTACKED = 20, 32


def rates_figure(results: Results) -> tuple[Figure, ...]:
    """Return the secret-key rate of every protocol against distance, if the study asks."""
    reach = results.lock.get("reach")
    if not reach:
        return ()
    from qfl.security.qkd.link import FibreLink
    from qfl.security.qkd.reach import BOUND, rates

    rows = []
    for km in np.linspace(0.0, float(reach["longest_km"]), _POINTS)[1:]:
        for protocol, rate in rates(FibreLink(length_km=float(km))).items():
            if rate > _FLOOR:
                rows.append(
                    {"x": km, "y": rate, "line": protocol, "text": f"{protocol}: {rate:.2e}"}
                )
    protocols = list(dict.fromkeys(row["line"] for row in rows))
    colours, dashes = zip(*(wheel(i) for i in range(len(protocols))), strict=True)
    nominal = {"field": "line", "type": "nominal", "sort": protocols}
    named = {"title": None, "orient": "right", "labelLimit": 260, "symbolSize": 300}
    y = vega.number("y", "Secret bits per pulse", format="~e")
    y["scale"] = {"type": "log", "domain": [_FLOOR, 10.0], "nice": False}
    shared = {
        "x": vega.number("x", "Fibre (km)", format="d"),
        "y": y,
        "color": {
            **nominal,
            "scale": {"domain": protocols, "range": list(colours)},
            "legend": named,
        },
        "strokeDash": {
            **nominal,
            "scale": {"domain": protocols, "range": [list(d) or [1, 0] for d in dashes]},
            "legend": named,
        },
    }
    line = vega.layer(
        "points",
        {"type": "line", "strokeWidth": 1.8, "clip": True},
        hideable=False,
        **shared,
        tooltip=vega.tooltip(("text", "secret bits per pulse")),
    )
    return (
        Figure(
            key="rates",
            title="Secret-key rate against distance",
            caption=f"{_fibre_text()} Every protocol lies beneath the {BOUND} of the bare fibre. "
            "Asymptotic unless a block is named; blocks pay for every statistical deviation. GG02 "
            "with modulation variance 4, excess noise 1 % and reconciliation at 95 %.",
            kind="still",
            spec=vega.spec([line], height=380),
            data={"points": columns(rows)},
            wide=True,
        ),
    )


def pads_table(results: Results) -> Table:
    """Return how long a one-time pad for one upload of a model takes to distil, by distance."""
    rows = _pads(results) if results.lock.get("reach") else []
    columns_ = plain_columns("model", "numbers|", *(f"{km} km|" for km in _DISTANCES))
    return Table(
        "pads",
        "One-time pads: seconds of key for one upload",
        columns_,
        tuple(rows),
        f"{_fibre_text() if rows else ''} Decoy BB84 in finite blocks of 10^7 sifted bits; "
        f"{_BITS} bits a number and 256 for the tag; this study's upload as it is sent, "
        f"{_OWN_BITS} bits a number.",
    )


def _pads(results: Results) -> list[TableRow]:
    from qfl.security.qkd.link import FibreLink
    from qfl.security.qkd.reach import padded_rate

    speeds = [padded_rate(FibreLink(length_km=float(km))) for km in _DISTANCES]
    own = _largest_upload(results)
    models = [(*model, _BITS) for model in _MODELS]
    if own:
        models.append(("this study's upload", own, _OWN_BITS))
    rows = [_row("key rate", "", [f"{_si(s)}bit/s" if s else "none" for s in speeds])]
    for name, size, width in sorted(models, key=lambda item: item[1]):
        bits = width * size + 256
        texts = [_duration(bits / s) if s > 0 else "never" for s in speeds]
        rows.append(_row(name, f"{size:,}", texts))
    return rows


def attacks_table(results: Results) -> Table:
    """Return every attack on links, keys, envelopes and gradients, without and with its defence."""
    reach = results.lock.get("reach") or {}
    found = _attacked() if reach.get("attacks") else ()
    rows = tuple(
        TableRow(
            tuple(
                TableCell(text, sort=text)
                for text in (
                    *(row.attack, row.defence, row.measure),
                    *(_outcome(row.without), _outcome(row.defended)),
                    *(f"{row.blind:.3g}", row.verdict, row.remark),
                )
            )
        )
        for row in found
    )
    return Table(
        "attacks",
        "Attacks, without and with the defence that they are meant to break",
        plain_columns(
            *("attack", "defence", "measure, larger is worse", "without|", "with|"),
            *("blind guess|", "verdict", "remark"),
        ),
        rows,
        "Brackets are 95 % intervals over repeated attacks. A defence has stopped an attack if "
        "what is left cannot be told from a blind guess, and weakened it if less is left.",
    )


def _attacked() -> tuple[AttackRow, ...]:
    """Run the attacks that need no federation; those that do are a study of their own."""
    from qfl.federation.attacks.leaks import inversion_rows
    from qfl.federation.attacks.membership import membership_rows
    from qfl.security.attacks.rows import channel_rows

    streams = Streams(0)
    return (
        *channel_rows(streams, trials=_TRIALS),
        *inversion_rows(streams, trials=_TRIALS),
        *membership_rows(streams, models=_MODELS_ATTACKED),
    )


def _fibre_text() -> str:
    from qfl.security.qkd.link import FibreLink

    link = FibreLink(length_km=0.0)
    return (
        f"Fibre of {link.loss_db_per_km:g} dB/km, detectors of {link.detector_efficiency:.0%}, "
        f"{link.dark_count_probability:g} dark counts a pulse, {link.misalignment:.0%} "
        f"misalignment, {link.pulse_rate_hz / 1e9:g} GHz."
    )


def _largest_upload(results: Results) -> int:
    """Return the numbers in the longest masked sum's vectors, 0 if nothing was masked."""
    sums = [
        sum(event.length for event in record.sums)
        for run in results.runs
        for record in run.row.rounds
    ]
    return max(sums, default=0)


def _row(name: str, size: str, texts: Sequence[str]) -> TableRow:
    return TableRow(tuple(TableCell(text, sort=text) for text in (name, size, *texts)))


def _outcome(outcome: Outcome) -> str:
    if outcome.trials == 1:
        return f"{outcome.value:.3g}"
    return f"{outcome.value:.3g} [{outcome.low:.3g}, {outcome.high:.3g}]"


def _si(value: float) -> str:
    for power, prefix in ((1e6, "M"), (1e3, "k")):
        if value >= power:
            return f"{value / power:.3g} {prefix}"
    return f"{value:.3g} "


def _duration(seconds: float) -> str:
    """Return a time as a reader says it.

    >>> _duration(0.0021), _duration(75), _duration(7200)
    ('2.1 ms', '75 s', '2 h')
    """
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (120.0, "min"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / (60.0 if unit == 'min' else size):.3g} {unit}"
    return f"{1e3 * seconds:.3g} ms"
